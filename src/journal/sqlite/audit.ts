import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { ActReporter, actOf, audited, begun, mostActs, progressText, selectionText } from '../audit.ts';
import type { ActName, ActProgress, ActSelection, AuditedAct, Operator } from '../operator-store.ts';

/** The rows of one act in the audit: one for each kind of change, made with the first that is committed. */
export class ActRows {
  readonly #database: DatabaseSync;
  readonly #operator: Operator;
  readonly #selection: string;
  readonly #numbers = new Map<ActName, number>();
  #begun = 0;

  constructor(database: DatabaseSync, operator: Operator, selection: ActSelection) {
    this.#database = database;
    this.#operator = audited(operator);
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
    const number = this.#insert(act, count, null);
    return () => void this.#numbers.set(act, number);
  }

  /** The same before there is anything to count; it is the one that `tell` is about. */
  begin(act: ActName): number {
    this.#begun = this.#insert(act, 0, begun);
    this.#numbers.set(act, this.#begun);
    return this.#begun;
  }

  tell(progress: ActProgress): void {
    this.#database.prepare('UPDATE audit SET progress = ? WHERE number = ?').run(progressText(progress), this.#begun);
  }

  #insert(act: ActName, count: number, progress: ActProgress | null): number {
    const { who, from } = this.#operator;
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO audit (at, who, origin, act, selection, count, progress) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(Date.now(), who, from, act, this.#selection, count, progress && progressText(progress));
    return Number(lastInsertRowid);
  }
}

/** Oldest first: the newest `limit` ones since a time. */
export function actsSince(database: DatabaseSync, since: number, limit: number): AuditedAct[] {
  return database
    .prepare('SELECT * FROM audit WHERE at >= ? ORDER BY number DESC LIMIT ?')
    .all(since, limit)
    .reverse()
    .map(actOf);
}

export function actAt(database: DatabaseSync, number: number): AuditedAct | null {
  const row = database.prepare('SELECT * FROM audit WHERE number = ?').get(number);
  return row === undefined ? null : actOf(row);
}

/** Looks for what the daemon's log is to be told. */
export class Acts {
  readonly #reporter: ActReporter;
  readonly #find: StatementSync;

  constructor(database: DatabaseSync, log: Logger) {
    this.#find = database.prepare('SELECT * FROM audit WHERE number >= ? ORDER BY number LIMIT 1000');
    const newest = database.prepare('SELECT * FROM audit ORDER BY number DESC LIMIT 1').get();
    this.#reporter = new ActReporter(newest === undefined ? null : actOf(newest), log);
  }

  look(): void {
    this.#reporter.tell(this.#find.all(this.#reporter.from).map(actOf));
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
