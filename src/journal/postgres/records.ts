import type { DeliveryFilter, DeliveryGroup, DeliveryRecord } from '../operator-store.ts';
import type { Attempt } from '../route-session.ts';
import type { Queryable } from './connection.ts';

/** So many are looked at by one statement, where few may fit what is known of their entries. */
const lookedAtOnce = 5_000;

/** One that is changed: by its route and its entry, never by its place, which another one may have by now. */
export interface RecordPlace {
  readonly number: number;
  readonly route: string;
  readonly seq: number;
}

export function records(
  database: Queryable,
  which: DeliveryFilter,
  after: number,
  limit: number,
): Promise<DeliveryRecord[]> {
  return fitting(database, which, after, limit, recordColumns, recordOf);
}

/** The same without what an operator reads. */
export function recordPlaces(
  database: Queryable,
  which: DeliveryFilter,
  after: number,
  limit: number,
): Promise<RecordPlace[]> {
  return fitting(database, which, after, limit, 'chosen.number, chosen.route, chosen.seq', (row) => row as RecordPlace);
}

export async function groups(
  database: Queryable,
  which: DeliveryFilter,
  atMost?: number,
): Promise<readonly DeliveryGroup[]> {
  if (atMost !== undefined && isWide(which)) return boundedGroups(database, which, atMost);
  const others = which.states.filter((state) => state !== 'waiting');
  const values: unknown[] = [];
  // Each of the two kinds has indexes of its own.
  const parts = [
    ...(which.states.includes('waiting') ? ["state = 'waiting'"] : []),
    ...(others.length > 0 ? [`state <> 'waiting' AND state = ANY (${parameter(values, others, 'text[]')})`] : []),
  ];
  const seqs = await seqsOf(database, which.ids);
  const own = ownConditions(which, values);
  const entry = entryConditions(which, values);
  const from = seqs === null ? 'deliveries d' : listed(parameter(values, seqs, 'bigint[]'), 'd');
  const selects = parts.map(
    (
      part,
    ) => `SELECT d.route, d.state, d.reason, count(*) AS count, min(d.updated_at) AS first, max(d.updated_at) AS last,
       min(d.due_at) AS "dueAt"
     FROM ${from}${entry.length === 0 ? '' : ' JOIN entries e USING (seq)'}
     WHERE ${[part, ...own, ...entry].join(' AND ')} GROUP BY d.route, d.state, d.reason`,
  );
  if (selects.length === 0) return [];
  const rows = await database.query<DeliveryGroup>(
    `${selects.join(' UNION ALL ')} ORDER BY count DESC, last DESC`,
    values,
  );
  return [...rows];
}

/** True where only what is in the index of groups is asked for: what waits isn't in it. */
function isWide({ states, event, since, ids }: DeliveryFilter): boolean {
  return event === undefined && since === undefined && ids === undefined && !states.includes('waiting');
}

/** A receiver that answers each request with another reason must not stop us here. */
const mostGroups = 1_000;

/** Steps from group to group along the index, and counts each no further than asked for: a million cost as much as a few. */
function boundedGroups(
  database: Queryable,
  { states, route, routes, reason }: DeliveryFilter,
  atMost: number,
): Promise<readonly DeliveryGroup[]> {
  const of = "state <> 'waiting' AND d.route = k.route AND d.state = k.state AND d.reason = k.reason";
  return database.query<DeliveryGroup>(
    `WITH RECURSIVE keys AS (
       (SELECT route, state, reason FROM deliveries WHERE state <> 'waiting' ORDER BY route, state, reason LIMIT 1)
       UNION ALL
       SELECT n.* FROM keys k, LATERAL (
         SELECT d.route, d.state, d.reason FROM deliveries d
         WHERE d.state <> 'waiting' AND (d.route, d.state, d.reason) > (k.route, k.state, k.reason)
         ORDER BY d.route, d.state, d.reason LIMIT 1) n
     )
     SELECT k.route, k.state, k.reason, NULL::bigint AS "dueAt",
       (SELECT count(*) FROM (SELECT FROM deliveries d WHERE ${of} LIMIT $1::bigint) counted) AS count,
       (SELECT d.updated_at FROM deliveries d WHERE ${of} ORDER BY d.updated_at LIMIT 1) AS first,
       (SELECT d.updated_at FROM deliveries d WHERE ${of} ORDER BY d.updated_at DESC LIMIT 1) AS last
     FROM (SELECT * FROM keys LIMIT ${mostGroups}) k
     WHERE k.state = ANY ($2::text[]) AND ($3::text IS NULL OR k.route = $3) AND ($4::text[] IS NULL OR k.route = ANY ($4))
       AND ($5::text IS NULL OR k.reason = $5)
     ORDER BY count DESC, last DESC`,
    [atMost + 1, states, route ?? null, routes ?? null, reason ?? null],
  );
}

export async function recordsOf(database: Queryable, seq: number): Promise<DeliveryRecord[]> {
  const rows = await database.query(
    `SELECT ${recordColumns} FROM deliveries chosen, LATERAL (${entryOfDelivery('chosen')}) e WHERE chosen.seq = $1 ORDER BY chosen.route`,
    [seq],
  );
  return rows.map(recordOf);
}

/** Looks at some after the other, until there are enough. */
async function fitting<T>(
  database: Queryable,
  which: DeliveryFilter,
  after: number,
  limit: number,
  columns: string,
  read: (row: object) => T,
): Promise<T[]> {
  const seqs = await seqsOf(database, which.ids);
  const found: T[] = [];
  for (let from = after; found.length < limit; ) {
    const values: unknown[] = [from, limit - found.length];
    const own = [
      'd.number > $1',
      `d.state = ANY (${parameter(values, which.states, 'text[]')})`,
      ...ownConditions(which, values),
    ];
    const source = seqs === null ? 'deliveries d' : listed(parameter(values, seqs, 'bigint[]'), 'd');
    const entry = entryConditions(which, values);
    const most = entry.length === 0 ? limit - found.length : lookedAtOnce;
    const rows = await database.query<{
      readonly through: number | null;
      readonly looked: number;
      readonly number: number | null;
    }>(
      `WITH chosen AS MATERIALIZED (
         SELECT d.* FROM ${source} WHERE ${own.join(' AND ')} ORDER BY d.number LIMIT ${parameter(values, most, 'bigint')})
       SELECT looked.*, one.* FROM (SELECT max(number) AS through, count(*) AS looked FROM chosen) looked LEFT JOIN (
         SELECT ${columns} FROM chosen, LATERAL (${entryOfDelivery('chosen')}) e
         ${entry.length === 0 ? '' : `WHERE ${entry.join(' AND ')}`} ORDER BY chosen.number LIMIT $2
       ) one ON true ORDER BY one.number`,
      values,
    );
    for (const { through: _through, looked: _looked, ...row } of rows) if (row.number !== null) found.push(read(row));
    const { through = null, looked = 0 } = rows[0] ?? {};
    if (through === null || looked < most) break;
    from = through;
  }
  return found;
}

/** Places of entries by their ids; null where none are asked for. What can't be an id is none's. */
async function seqsOf(database: Queryable, ids: readonly string[] | undefined): Promise<number[] | null> {
  if (ids === undefined) return null;
  const rows = await database.query<{ seq: number }>(
    'SELECT i.seq FROM unnest($1::uuid[]) wanted (id), LATERAL (SELECT seq FROM ids WHERE ids.id = wanted.id OFFSET 0) i',
    [ids.filter(isId)],
  );
  return rows.map(({ seq }) => seq);
}

export function isId(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** What a selection says of deliveries, but their states. */
function ownConditions({ route, routes, reason }: DeliveryFilter, values: unknown[]): string[] {
  return [
    ...(route === undefined ? [] : [`d.route = ${parameter(values, route, 'text')}`]),
    ...(routes === undefined ? [] : [`d.route = ANY (${parameter(values, routes, 'text[]')})`]),
    ...(reason === undefined ? [] : [`d.reason = ${parameter(values, reason, 'text')}`]),
  ];
}

/** What it says of their entries: to look at a million of these takes ten times as long. */
function entryConditions({ event, since }: DeliveryFilter, values: unknown[]): string[] {
  return [
    ...(event === undefined ? [] : [`e.event = ${parameter(values, event, 'text')}`]),
    ...(since === undefined ? [] : [`e.received_at >= ${parameter(values, since, 'bigint')}`]),
  ];
}

/** Those of some entries, each looked up by itself: for a list, the plan may go through all. */
function listed(seqs: string, name: string): string {
  return `(SELECT k.* FROM unnest(${seqs}) wanted (seq), LATERAL (
    SELECT * FROM deliveries WHERE deliveries.seq = wanted.seq OFFSET 0) k) ${name}`;
}

function entryOfDelivery(name: string): string {
  return `SELECT n.id, n.event, n.account_id, n.received_at FROM entries n WHERE n.seq = ${name}.seq OFFSET 0`;
}

function parameter(values: unknown[], value: unknown, type: string): string {
  values.push(value);
  return `$${values.length}::${type}`;
}

const recordColumns = `chosen.number, chosen.seq, chosen.route, chosen.state, chosen.reason, chosen.attempts, chosen.due_at AS "dueAt",
  chosen.updated_at AS "updatedAt", e.id, e.event, e.account_id AS "accountId", e.received_at AS "receivedAt"`;

function recordOf(row: object): DeliveryRecord {
  const { attempts, ...record } = row as DeliveryRecord & { readonly attempts: unknown }; // as the columns are named
  return { ...record, attempts: JSON.parse(String(attempts)) as Attempt[] }; // as a settlement wrote them
}
