import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { messages } from '../../common/messages.ts';
import { truncateUtf8 } from '../../common/text/format.ts';
import type { ActName, ActSelection, AuditedAct, Operator } from '../operator-store.ts';

/** The rows of one act in the audit: one for each kind of change, made with the first that is committed. */
export class ActRows {
  readonly #database: DatabaseSync;
  readonly #operator: Operator;
  readonly #selection: string;
  readonly #numbers = new Map<ActName, number>();

  constructor(database: DatabaseSync, { who, from }: Operator, selection: ActSelection) {
    this.#database = database;
    this.#operator = { who: truncateUtf8(who, longestName), from: truncateUtf8(from, longestName) };
    this.#selection = selectionText(selection);
  }

  /**
   * Adds to an act's row, in the transaction of the change.
   * @returns a function to call after the commit: a row that was rolled back is inserted again
   */
  add(act: ActName, count: number): () => void {
    const known = this.#numbers.get(act);
    if (known !== undefined) {
      this.#database.prepare('UPDATE audit SET count = count + ? WHERE number = ?').run(count, known);
      return () => undefined;
    }
    const { who, from } = this.#operator;
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO audit (at, who, origin, act, selection, count) VALUES (?, ?, ?, ?, ?, ?)')
      .run(Date.now(), who, from, act, this.#selection, count);
    return () => void this.#numbers.set(act, Number(lastInsertRowid));
  }
}

/** Bytes that a name may have, and ids and other values that are kept of a selection. */
const longestName = 200;
const mostValues = 20;
const longestValue = 200;

/** However much was said on a command line, a row stays small. */
function selectionText(selection: ActSelection): string {
  const text = (value: unknown) => (typeof value === 'string' ? truncateUtf8(value, longestValue) : value);
  const bounded = Object.entries(selection).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.slice(0, mostValues).map(text) : text(value),
  ]);
  return JSON.stringify(Object.fromEntries(bounded));
}

/** Oldest first: the newest `limit` ones since a time. */
export function actsSince(database: DatabaseSync, since: number, limit: number): AuditedAct[] {
  return database
    .prepare('SELECT * FROM audit WHERE at >= ? ORDER BY number DESC LIMIT ?')
    .all(since, limit)
    .reverse()
    .map(actOf);
}

function actOf(row: Record<string, unknown>): AuditedAct {
  return {
    number: Number(row.number),
    at: Number(row.at),
    who: String(row.who),
    from: String(row.origin),
    act: row.act as ActName, // as `ActRows` wrote it
    selection: JSON.parse(String(row.selection)) as ActSelection,
    count: Number(row.count),
  };
}

/** Logs in the daemon's log what operators did since the daemon's start. */
export class ActReporter {
  readonly #log: Logger;
  readonly #find: StatementSync;
  /** The last act that was told, and how much it had changed by then. */
  #last: number;
  #count: number;

  constructor(database: DatabaseSync, log: Logger) {
    this.#log = log;
    this.#find = database.prepare('SELECT * FROM audit WHERE number >= ? ORDER BY number LIMIT 1000');
    const newest = database.prepare('SELECT number, count FROM audit ORDER BY number DESC LIMIT 1').get();
    this.#last = Number(newest?.number ?? 0);
    this.#count = Number(newest?.count ?? 0);
  }

  /** A large act spans several looks, and is logged with its count so far. */
  look(): void {
    for (const row of this.#find.all(this.#last)) {
      const { number, at: _, act, ...rest } = actOf(row);
      if (number === this.#last && rest.count === this.#count) continue;
      this.#log.info({ act, ...rest }, messages.acted);
      this.#last = number;
      this.#count = rest.count;
    }
  }
}

/**
 * Removes rows that are older than a time, and the oldest where there are too many. The newest one stays: numbers must
 * not begin again, because the daemon remembers how far it has told them.
 */
export function removeOldActs(database: DatabaseSync, before: number, limit: number): number {
  const { changes } = database
    .prepare(
      `DELETE FROM audit WHERE number IN (
         SELECT number FROM audit WHERE (at < ?1 OR number <= (SELECT max(number) FROM audit) - ${mostActs})
           AND number < (SELECT max(number) FROM audit) LIMIT ?2)`,
    )
    .run(before, limit);
  return Number(changes);
}

/** A script that acts again and again fills nothing. */
const mostActs = 100_000;
