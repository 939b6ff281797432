import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Portion } from '../portion.ts';
import {
  type Attempt,
  type DueDeliveries,
  type Recorded,
  type RecordKey,
  restartedAt,
  type Waiting,
  type WaitingPage,
} from '../route-session.ts';
import { entryColumns, entryOf, prepareEntries } from './rows.ts';

const waitingColumns = `${entryColumns
  .split(',')
  .map((column) => `n.${column.trim()}`)
  .join(', ')}, d.attempts`;

/** `restartedAt` of a record, in SQL. */
const restarted = `coalesce((SELECT value ->> 'at' FROM json_each(attempts) WHERE value ->> 'outcome' = 'restart'
  ORDER BY key DESC LIMIT 1), 0)`;

/** The event of a row of notifications, in SQL: a record has it from there. */
export const eventOfEntry = "ifnull(CASE WHEN json_valid(head) THEN head ->> 0 END, '')";

/** The table of what isn't settled, as routes use it. */
export class Deliveries {
  readonly #record: StatementSync;
  readonly #updateRecord: StatementSync;
  readonly #settle: StatementSync;
  readonly #due: StatementSync;
  readonly #firstDue: StatementSync;
  readonly #dueOfAccount: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #ofAccount: StatementSync;
  readonly #handledAfter: StatementSync;
  readonly #wakeAll: StatementSync;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    // What was evicted since it was read is recorded no more.
    this.#record = database.prepare(`
      INSERT INTO deliveries (route, seq, state, reason, attempts, due_at, updated_at, account_id, event)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ${eventOfEntry} FROM notifications WHERE seq = ?2
      ON CONFLICT (route, seq) DO UPDATE SET state = excluded.state, reason = excluded.reason,
        attempts = excluded.attempts, due_at = excluded.due_at, updated_at = excluded.updated_at`);
    this.#updateRecord = database.prepare(`
      UPDATE deliveries SET state = ?3, reason = ?4, attempts = ?5, due_at = ?6, updated_at = ?7
      WHERE route = ?1 AND seq = ?2 AND ${restarted} = ?8`);
    this.#settle = database.prepare(`DELETE FROM deliveries WHERE route = ? AND seq = ? AND ${restarted} = ?`);
    this.#due = prepareDue(database, 'ORDER BY due_at, seq');
    // Most are due at the same time: sorted, all of them would be gone through for one.
    this.#firstDue = database.prepare(`SELECT account_id FROM ${isDue('deliveries')} ORDER BY due_at LIMIT 1`);
    this.#dueOfAccount = prepareDue(database, 'AND account_id IS ?6 ORDER BY seq', 'deliveries_by_account');
    this.#nextDue = database.prepare(`
      SELECT min(due_at) AS due_at FROM deliveries WHERE route = ? AND state = 'waiting' AND due_at > ?`);
    this.#ofAccount = prepareEntries(
      database,
      `SELECT ${waitingColumns} FROM deliveries d JOIN notifications n USING (seq)
       WHERE d.route = ? AND d.account_id = ? AND d.state = 'waiting' ORDER BY d.seq`,
    );
    this.#handledAfter = database.prepare(`
      SELECT seq FROM deliveries WHERE route = ?1 AND seq > ?2
      UNION SELECT seq FROM dropped WHERE route = ?1 AND seq > ?2
      UNION SELECT value FROM settled_ahead, json_each(seqs) WHERE route = ?1 AND value > ?2`);
    this.#wakeAll = database.prepare(
      "UPDATE deliveries SET due_at = ? WHERE route = ? AND state = 'waiting' AND due_at IS NULL",
    );
  }

  record(route: string, { seq, accountId, state, reason, attempts, dueAt, exists }: Recorded): void {
    const values = [route, seq, state, reason, JSON.stringify(attempts), dueAt, Date.now()];
    if (exists) this.#updateRecord.run(...values, restartedAt(attempts));
    else this.#record.run(...values, accountId);
  }

  settle(route: string, record: RecordKey): void {
    this.#settle.run(route, record.seq, record.restartedAt);
  }

  handledAfter(route: string, seq: number): number[] {
    return this.#handledAfter.all(route, seq).map((row) => Number(row.seq));
  }

  /** @param settled records that are left out, as `restartedAt` by entry */
  due(route: string, wanted: DueDeliveries, settled: ReadonlyMap<number, number>): WaitingPage {
    const { now, horizon, limit, held, bytes, ofOneAccount } = wanted;
    const values = [route, now, horizon, JSON.stringify([...held]), limit + settled.size] as const;
    if (ofOneAccount !== true) return pageOf(this.#due.iterate(...values), limit, settled, bytes);
    const first = this.#firstDue.get(route, now, horizon, JSON.stringify([...held, ...settled.keys()]));
    // In the place of one that is settled there may be another, which is seen after the commit.
    if (first === undefined) return { waiting: [], more: settled.size > 0 };
    const rows = this.#dueOfAccount.iterate(...values, first.account_id ?? null);
    return { ...pageOf(rows, limit, settled, bytes), more: true };
  }

  nextDue(route: string, now: number): number | null {
    const dueAt = this.#nextDue.get(route, now)?.due_at;
    return typeof dueAt === 'number' ? dueAt : null;
  }

  ofAccount(
    route: string,
    accountId: string,
    limit: number,
    settled: ReadonlyMap<number, number>,
    bytes?: number,
  ): WaitingPage {
    return pageOf(this.#ofAccount.iterate(route, accountId), limit, settled, bytes);
  }

  among(route: string, seqs: readonly number[]): Map<number, number> {
    return waitingAmong(this.#database, route, seqs);
  }

  wakeAll(route: string): void {
    this.#wakeAll.run(Date.now(), route);
  }

  wakeFirst(route: string): Map<string, number> {
    const rows = this.#database
      .prepare(
        `SELECT account_id, min(seq) AS first FROM deliveries
         WHERE route = ? AND state = 'waiting' AND account_id IS NOT NULL GROUP BY account_id`,
      )
      .all(route);
    const firsts = new Map(rows.map((row) => [String(row.account_id), Number(row.first)]));
    const wake = this.#database.prepare(
      'UPDATE deliveries SET due_at = ? WHERE route = ? AND seq = ? AND due_at IS NULL',
    );
    for (const seq of firsts.values()) wake.run(Date.now(), route, seq);
    return firsts;
  }
}

/** They are sorted before their bodies are read. */
function prepareDue(database: DatabaseSync, rest: string, index?: string): StatementSync {
  const table = index === undefined ? 'deliveries' : `deliveries INDEXED BY ${index}`;
  return prepareEntries(
    database,
    `SELECT ${waitingColumns} FROM (SELECT seq, attempts FROM ${isDue(table)} ${rest} LIMIT ?5) d
     CROSS JOIN notifications n USING (seq)`,
  );
}

/** In SQL: those of a route that are due at a time, or after a horizon, without the given entries. */
function isDue(table: string): string {
  return `${table} JOIN notifications USING (seq)
    WHERE route = ?1 AND state = 'waiting' AND (due_at <= ?2 OR due_at > ?3)
      AND seq NOT IN (SELECT value FROM json_each(?4))`;
}

/**
 * Those of these entries whose deliveries wait, with their `restartedAt`. Each is looked up by itself: SQLite would
 * rather go through all that waits on the route, which may be millions, for any list.
 */
export function waitingAmong(database: DatabaseSync, route: string, seqs: readonly number[]): Map<number, number> {
  const rows = database
    .prepare(
      `SELECT seq, ${restarted} AS restarted FROM json_each(?) CROSS JOIN deliveries ON route = ? AND seq = json_each.value
       WHERE state = 'waiting'`,
    )
    .all(JSON.stringify(seqs), route);
  return new Map(rows.map((row) => [Number(row.seq), Number(row.restarted)]));
}

function pageOf(
  rows: Iterable<object>,
  limit: number,
  settled: ReadonlyMap<number, number>,
  bytes: number | undefined,
): WaitingPage {
  const portion = new Portion(limit, bytes);
  const waiting: Waiting[] = [];
  for (const row of rows) {
    const one = waitingOf(row);
    if (settled.get(one.entry.seq) === restartedAt(one.attempts)) continue;
    waiting.push(one);
    if (portion.isFullWith(one.entry)) return { waiting, more: true };
  }
  return { waiting, more: false };
}

function waitingOf(row: object): Waiting {
  const attempts = (row as unknown[]).at(-1); // the last of waitingColumns
  return { entry: entryOf(row), attempts: JSON.parse(String(attempts)) as Attempt[] }; // as `record` wrote them
}
