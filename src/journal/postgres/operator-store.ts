import type { Entry } from '../../notification/entry.ts';
import type { OperatorStore } from '../operator-store.ts';
import { actAt, actsSince } from './audit.ts';
import { clockDoubt } from './clock.ts';
import type { Database, Queryable } from './connection.ts';
import { isId } from './delivery-filter.ts';
import { countOf, eventGroups, groups } from './delivery-groups.ts';
import { type EntryColumns, entryColumns, entryOf } from './entries.ts';
import { type Compacting, holdingsOf } from './erase.ts';
import { actOf } from './operator-acts.ts';
import { openedReader } from './reader.ts';
import { records, recordsOf } from './records.ts';

/**
 * The deliveries of a journal for an operator's decisions, from any machine that reaches the database, beside daemons or
 * without one; until it is closed, and the connections with it.
 */
export function openedOperatorStore(database: Database, compacting: Compacting): OperatorStore {
  return {
    ...openedReader(database),
    act: (operator, selection) => actOf(database, compacting, operator, selection),
    acts: (since, limit) => actsSince(database, since, limit),
    actAt: (number) => actAt(database, number),
    records: (which, after, limit) => records(database, which, after, limit),
    groups: (which) => groups(database, which),
    eventGroups: (which, limit) => eventGroups(database, which, limit),
    count: (which) => countOf(database, which),
    entry: (id) => (isId(id) ? entryWhere(database, 'seq = (SELECT seq FROM ids WHERE id = $1)', id) : noEntry),
    entryAt: (seq) => entryWhere(database, 'seq = $1', seq),
    recordsOf: (seq) => recordsOf(database, seq),
    saveValidation: async (seq, state, problems) =>
      void (await database.query('SELECT save_validation($1, $2, $3)', [seq, state, JSON.stringify(problems)])),
    cursorOf: (route) => cursorOf(database, route),
    waitingAmong: (route, seqs) => waitingAmong(database, route, seqs),
    passedAmong: (route, cursor, seqs) => passedAmong(database, route, cursor, seqs),
    waitingIn: (route, from, to) => waitingIn(database, route, from, to),
    holdingsOf: (accountId) => holdingsOf(database, accountId),
    clockDoubt: () => clockDoubt(database),
    askForProbe: async (route) => void (await database.query("SELECT announce('probe', $1)", [route])),
    takenBy: (seqs) => takenBy(database, seqs),
    looked: async (at, route) => void (await database.query('SELECT look($1, $2)', [at, route ?? null])),
  };
}

const noEntry = Promise.resolve(null);

async function entryWhere(database: Queryable, condition: string, value: string | number): Promise<Entry | null> {
  const [row] = await database.query<EntryColumns>(`SELECT ${entryColumns} FROM entries WHERE ${condition}`, [value]);
  return row === undefined ? null : entryOf(row);
}

async function cursorOf(database: Queryable, route: string): Promise<number | null> {
  const [row] = await database.query<{ cursor: number }>(
    `SELECT cursor FROM progress WHERE route = $1 AND EXISTS (SELECT FROM routes WHERE route = $1)
     ORDER BY epoch DESC, n DESC LIMIT 1`,
    [route],
  );
  return row?.cursor ?? null;
}

/** Each is looked up by itself: for a list, the plan may go through all that waits on the route. */
async function waitingAmong(database: Queryable, route: string, seqs: readonly number[]): Promise<Set<number>> {
  const rows = await database.query<{ seq: number }>(
    `SELECT wanted.seq FROM unnest($2::bigint[]) wanted (seq), LATERAL (
       SELECT FROM deliveries d WHERE d.route = $1 AND d.seq = wanted.seq AND d.state = 'waiting' OFFSET 0) one`,
    [route, seqs],
  );
  return new Set(rows.map(({ seq }) => seq));
}

async function passedAmong(
  database: Queryable,
  route: string,
  cursor: number,
  seqs: readonly number[],
): Promise<Set<number>> {
  const rows = await database.query<{ seq: number }>(
    `SELECT wanted.seq FROM unnest($3::bigint[]) wanted (seq) WHERE wanted.seq <= $2
       OR EXISTS (SELECT FROM deliveries d WHERE d.route = $1 AND d.seq = wanted.seq OFFSET 0)
       OR EXISTS (SELECT FROM dropped d WHERE d.route = $1 AND d.seq = wanted.seq OFFSET 0)
       OR wanted.seq = ANY ((SELECT ahead FROM progress WHERE route = $1 ORDER BY epoch DESC, n DESC LIMIT 1)::bigint[])`,
    [route, cursor, seqs],
  );
  return new Set(rows.map(({ seq }) => seq));
}

async function waitingIn(database: Queryable, route: string, from: number, to: number): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    "SELECT count(*) AS count FROM deliveries WHERE route = $1 AND state = 'waiting' AND seq BETWEEN $2 AND $3",
    [route, from, to],
  );
  return row?.count ?? 0;
}

async function takenBy(database: Queryable, seqs: readonly number[]): Promise<Map<number, string>> {
  const rows = await database.query<{ seq: number; name: string }>(
    `SELECT wanted.seq, h.name FROM unnest($1::bigint[]) wanted (seq), LATERAL (
       SELECT origin FROM entries e WHERE e.seq = wanted.seq OFFSET 0) one JOIN hosts h ON h.number = one.origin`,
    [seqs],
  );
  return new Map(rows.map(({ seq, name }) => [seq, name]));
}
