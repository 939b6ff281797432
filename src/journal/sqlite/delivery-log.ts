import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LoggedDelivery } from '../reader.ts';
import type { DeliveredRecord, DeliveredRun } from '../route-session.ts';
import { selectionRoutes } from './selections.ts';

/** How many rows are removed at a time, at most. */
const stepSize = 500;

/**
 * What became of deliveries. Nearly all of a route are delivered in their order and in the first try: of these a row tells
 * a whole settlement. What had a record of its own has a row of its own, by whoever took that away. A route's rows of
 * several don't overlap, because its cursor passes each entry once.
 */
export class DeliveryLog {
  readonly #insert: StatementSync;
  readonly #oldest: StatementSync;
  readonly #remove: StatementSync;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare(insertRow);
    this.#oldest = database.prepare(`SELECT number, last, at FROM delivery_log ORDER BY number LIMIT ${stepSize}`);
    this.#remove = database.prepare('DELETE FROM delivery_log WHERE number <= ?');
  }

  /** Runs in the journal's order, within the transaction that moves the route's cursor over them. */
  addRuns(route: string, runs: readonly DeliveredRun[], at: number): void {
    for (const { code, places } of joined(runs)) {
      const [first = 0, last = 0] = [places[0], places.at(-1)];
      this.#insert.run(first, last, at, 1, route, 'delivered', code, null, JSON.stringify(gapsIn(places)));
    }
  }

  addRecord(route: string, { seq, code, attempts }: DeliveredRecord, at: number): void {
    this.#insert.run(seq, seq, at, attempts, route, 'delivered', code, null, null);
  }

  /** What a route has settled beyond its cursor, and the log doesn't have yet. */
  addAhead(route: string, at: number): void {
    this.#database
      .prepare(
        `INSERT INTO delivery_log (first, last, at, attempts, route, outcome)
         SELECT value, value, ?, 1, name, 'delivered' FROM routes JOIN settled_ahead ON route = name, json_each(seqs) a
         WHERE name = ? AND value > cursor
           AND NOT EXISTS (SELECT 1 FROM delivery_log WHERE route = name AND (gaps IS NULL) = 1 AND last = a.value)`,
      )
      .run(at, route);
  }

  /** Removes the oldest rows, some at a time, up to the first that isn't over. Returns how many there were. */
  trim(isOver: (row: { readonly at: number; readonly last: number }) => boolean): number {
    const rows = this.#oldest.all();
    const kept = rows.findIndex((row) => !isOver({ at: Number(row.at), last: Number(row.last) }));
    const over = kept === -1 ? rows : rows.slice(0, kept);
    if (over.length > 0) this.#remove.run(Number(over.at(-1)?.number));
    return over.length;
  }
}

const insertRow = `
  INSERT INTO delivery_log (first, last, at, attempts, route, outcome, code, by, gaps) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** A record that was taken away without a delivery. @param by who did it; null for the daemon */
export function logRemoval(
  database: DatabaseSync,
  { route, seq, attempts }: { readonly route: string; readonly seq: number; readonly attempts: number },
  outcome: 'dropped' | 'expired',
  by: string | null,
): void {
  database.prepare(insertRow).run(seq, seq, Date.now(), attempts, route, outcome, null, by, null);
}

/** Deletes the log of these entries, if a row is about one of them alone. */
export function forgetLoggedOf(database: DatabaseSync, seqs: readonly number[]): void {
  const forget = database.prepare(`
    DELETE FROM delivery_log WHERE route = ? AND (gaps IS NULL) = 1 AND last IN (SELECT value FROM json_each(?))`);
  for (const route of [...selectionRoutes(database), '']) forget.run(route, JSON.stringify(seqs));
}

/** Forgets what a route has delivered, some at a time. Returns whether there were any. */
export function forgetLogged(database: DatabaseSync, route: string): boolean {
  const { changes } = database
    .prepare(
      `DELETE FROM delivery_log WHERE number IN (
         SELECT number FROM delivery_log WHERE route = ? AND (gaps IS NULL) IN (0, 1) LIMIT ${stepSize})`,
    )
    .run(route);
  return changes !== 0;
}

/** The log's rows of an entry, the newest of each route first; empty if it has none. */
export function loggedDeliveriesOf(database: DatabaseSync, seq: number): LoggedDelivery[] {
  const single = database.prepare(
    'SELECT * FROM delivery_log WHERE route = ? AND (gaps IS NULL) = 1 AND last = ? ORDER BY number DESC',
  );
  const several = database.prepare(
    'SELECT * FROM delivery_log WHERE route = ? AND (gaps IS NULL) = 0 AND last >= ? ORDER BY last LIMIT 1',
  );
  return [...selectionRoutes(database), ''].flatMap((route) => [
    ...single.all(route, seq).map(loggedOf),
    ...several
      .all(route, seq)
      .filter((row) => covers(row, seq))
      .map(loggedOf),
  ]);
}

/** When the oldest row was written, in Unix milliseconds; null where there is none. */
export function loggedSince(database: DatabaseSync): number | null {
  const at = database.prepare('SELECT at FROM delivery_log ORDER BY number LIMIT 1').get()?.at;
  return typeof at === 'number' ? at : null;
}

type LogRow = Record<string, unknown>;

function loggedOf({ route, outcome, at, code, attempts, by }: LogRow): LoggedDelivery {
  return {
    route: String(route),
    outcome: outcome as LoggedDelivery['outcome'], // as the table's CHECK says
    at: Number(at),
    code: code as LoggedDelivery['code'], // as it was inserted
    attempts: Number(attempts),
    by: by === null ? null : String(by),
  };
}

function covers({ first, gaps }: LogRow, seq: number): boolean {
  const place = seq - Number(first);
  const bounds = JSON.parse(String(gaps)) as number[]; // as `gapsIn` made them
  if (place < 0) return false;
  return !bounds.some((from, index) => index % 2 === 0 && from <= place && place <= (bounds[index + 1] ?? -1));
}

/** Those that follow each other and were answered the same as one. */
function joined(runs: readonly DeliveredRun[]): Pick<DeliveredRun, 'code' | 'places'>[] {
  const result: { code: DeliveredRun['code']; places: number[] }[] = [];
  for (const { code, places } of runs) {
    const last = result.at(-1);
    if (last?.code === code) for (const place of places) last.places.push(place);
    else result.push({ code, places: [...places] });
  }
  return result;
}

/** What lies between places, as places behind the first. */
function gapsIn(places: readonly number[]): number[] {
  const [first = 0] = places;
  const gaps: number[] = [];
  for (let index = 1; index < places.length - 1; index += 2) {
    const [before = 0, after = 0] = [places[index], places[index + 1]];
    if (before + 1 < after) gaps.push(before + 1 - first, after - 1 - first);
  }
  return gaps;
}
