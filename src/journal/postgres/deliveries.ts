import { Portion } from '../portion.ts';
import { type Attempt, type DueDeliveries, restartedAt, type Waiting, type WaitingPage } from '../route-session.ts';
import type { Queryable } from './connection.ts';
import { type EntryColumns, entryColumns, entryOf, sizeInSql } from './entries.ts';

/** Whose route it is, while it is. */
export interface Held {
  readonly route: string;
  readonly holder: string;
  readonly epoch: number;
}

/** How much of it, and without which records: those that are held, and settled ones, as `restartedAt` by entry. */
export interface Wanted {
  readonly limit: number;
  readonly bytes: number | undefined;
  readonly held: Iterable<number>;
  readonly settled: ReadonlyMap<number, number>;
}

/** Entries beyond a cursor that are recorded or settled, or that an operator has dropped. */
export async function handledAfter(database: Queryable, route: string, cursor: number): Promise<number[]> {
  const rows = await database.query<{ seq: number }>(
    `SELECT seq FROM deliveries WHERE route = $1 AND seq > $2
     UNION SELECT seq FROM dropped WHERE route = $1 AND seq > $2
     UNION SELECT a FROM (SELECT ahead FROM progress WHERE route = $1 ORDER BY epoch DESC, n DESC LIMIT 1) p, unnest(p.ahead) a
       WHERE a > $2 ORDER BY seq`,
    [route, cursor],
  );
  return rows.map(({ seq }) => seq);
}

/** Only for whoever has the route: the row is locked against a take-over. */
const mine = 'WITH mine AS MATERIALIZED (SELECT FROM routes WHERE route = $1 AND holder = $2 AND epoch = $3 FOR SHARE)';

export async function wakeAll(database: Queryable, { route, holder, epoch }: Held): Promise<void> {
  await database.query(
    `${mine} UPDATE deliveries SET due_at = now_ms()
     WHERE route = $1 AND state = 'waiting' AND due_at IS NULL AND EXISTS (SELECT FROM mine)`,
    [route, holder, epoch],
  );
}

/** In one step: were the first dropped between two, nobody would wake the next, or wait for it. */
export async function wakeFirst(database: Queryable, { route, holder, epoch }: Held): Promise<Map<string, number>> {
  const rows = await database.query<{ account_id: string; first: number }>(
    `${mine}, firsts AS MATERIALIZED (
       SELECT account_id, min(seq) AS first FROM deliveries
       WHERE route = $1 AND state = 'waiting' AND account_id IS NOT NULL GROUP BY account_id
     ), woken AS (
       UPDATE deliveries d SET due_at = now_ms() FROM firsts f
       WHERE d.route = $1 AND d.seq = f.first AND d.due_at IS NULL AND EXISTS (SELECT FROM mine)
     ) SELECT account_id, first FROM firsts`,
    [route, holder, epoch],
  );
  return new Map(rows.map(({ account_id, first }) => [account_id, first]));
}

/** Waiting ones that are due at a time, those due first first; and those due after a horizon, by the database's clock. */
export async function due(
  database: Queryable,
  route: string,
  { now, horizon, ofOneAccount, bytes, ...wanted }: DueDeliveries,
  settled: ReadonlyMap<number, number>,
): Promise<WaitingPage> {
  const given = { ...wanted, bytes, settled };
  const some = (condition: string) =>
    `(SELECT seq, account_id, attempts, due_at AS place FROM deliveries d
      WHERE route = $1 AND state = 'waiting' AND ${condition} AND ${isWanted} ORDER BY due_at, seq LIMIT $2)`;
  const both = `${some('due_at <= $7')} UNION ALL ${some('due_at > greatest($7, $8)')}`;
  const ready = `SELECT * FROM (${both}) ready ORDER BY place, seq LIMIT $2`;
  if (ofOneAccount !== true) return page(database, bounded(ready), route, given, [now, horizon]);
  // It must know the type of each parameter, also of the one that it has no use for.
  const firsts = `SELECT account_id FROM (${ready}) first WHERE $3::numeric > 0`;
  const [first] = await database.query<{ account_id: string | null }>(firsts, [
    ...valuesOf(route, { ...given, limit: 1 }),
    now,
    horizon,
  ]);
  if (first === undefined) return { waiting: [], more: false };
  const { account_id: accountId } = first;
  const isOfAccount = accountId === null ? 'account_id IS NULL' : 'account_id = $9';
  const group = `SELECT seq, attempts, seq AS place FROM deliveries d WHERE route = $1 AND state = 'waiting'
    AND ${isOfAccount} AND (due_at <= $7 OR due_at > $8) AND ${isWanted} ORDER BY seq LIMIT $2`;
  const others = [now, horizon, ...(accountId === null ? [] : [accountId])];
  return { ...(await page(database, bounded(group), route, given, others)), more: true };
}

export async function nextDue(database: Queryable, route: string, now: number): Promise<number | null> {
  const [row] = await database.query<{ due_at: number }>(
    `SELECT due_at FROM deliveries WHERE route = $1 AND state = 'waiting' AND due_at > $2 ORDER BY due_at LIMIT 1`,
    [route, now],
  );
  return row?.due_at ?? null;
}

/** Waiting ones of one account, due or not, in the journal's order. */
export function ofAccount(database: Queryable, route: string, accountId: string, wanted: Wanted): Promise<WaitingPage> {
  const rows = `SELECT seq, attempts, seq AS place FROM deliveries d
    WHERE route = $1 AND account_id = $7 AND state = 'waiting' AND ${isWanted} ORDER BY seq LIMIT $2`;
  return page(database, bounded(rows), route, wanted, [accountId]);
}

/** Those that wait, with their `restartedAt`. */
export async function waitingAmong(
  database: Queryable,
  route: string,
  seqs: readonly number[],
): Promise<Map<number, number>> {
  if (seqs.length === 0) return new Map();
  const rows = await database.query<{ seq: number; restarted_at: number }>(
    `SELECT d.seq, d.restarted_at FROM unnest($2::bigint[]) u(seq) CROSS JOIN LATERAL (
       SELECT seq, restarted_at FROM deliveries WHERE route = $1 AND seq = u.seq AND state = 'waiting' OFFSET 0) d`,
    [route, seqs],
  );
  return new Map(rows.map(({ seq, restarted_at }) => [seq, restarted_at]));
}

/** Those of these entries that the journal has no more. */
export async function erasedAmong(database: Queryable, seqs: readonly number[]): Promise<Set<number>> {
  if (seqs.length === 0) return new Set();
  const rows = await database.query<{ seq: number }>(
    `SELECT seq FROM unnest($1::bigint[]) u(seq)
     WHERE NOT EXISTS (SELECT FROM log l WHERE l.seq = u.seq) AND NOT EXISTS (SELECT FROM kept k WHERE k.seq = u.seq)`,
    [seqs],
  );
  return new Set(rows.map(({ seq }) => seq));
}

/** As lists that are hashed once, not gone through for each row. */
const isWanted = `seq NOT IN (SELECT unnest($4::bigint[]))
  AND (seq, restarted_at) NOT IN (SELECT * FROM unnest($5::bigint[], $6::bigint[]))`;

/** Sorted and bounded before the bodies are read: their sizes tell where the bytes end. */
function bounded(rows: string): string {
  return `SELECT ${entryColumns}, attempts, size FROM (
      SELECT *, sum(size) OVER (ORDER BY place, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM (${rows}) d CROSS JOIN LATERAL (SELECT ${columnsOf('n')}, ${sizeInSql} AS size FROM entries n WHERE n.seq = d.seq) e
    ) counted WHERE before IS NULL OR before < $3 ORDER BY place, seq`;
}

/** All but the place, which the delivery has too. */
function columnsOf(table: string): string {
  return entryColumns
    .split(', ')
    .filter((column) => column !== 'seq')
    .map((column) => `${table}.${column}`)
    .join(', ');
}

async function page(
  database: Queryable,
  text: string,
  route: string,
  wanted: Wanted,
  others: readonly unknown[],
): Promise<WaitingPage> {
  const { limit, bytes, settled } = wanted;
  const portion = new Portion(limit, bytes);
  const values = [...valuesOf(route, wanted), ...others];
  const rows = await database.query<EntryColumns & { readonly attempts: string; readonly size: number }>(text, values);
  const waiting: Waiting[] = [];
  for (const row of rows) {
    const attempts = JSON.parse(row.attempts) as Attempt[]; // as a settlement wrote them
    // It may have been settled since the question was asked.
    if (settled.get(row.seq) !== restartedAt(attempts)) waiting.push({ entry: entryOf(row), attempts });
    if (portion.isFullWithBytes(row.size)) return { waiting, more: true };
  }
  return { waiting, more: false };
}

/** The first six parameters. */
function valuesOf(route: string, { limit, bytes, held, settled }: Wanted): unknown[] {
  const room = Math.max(1, new Portion(limit, bytes).bytes);
  return [route, limit, room, [...held], [...settled.keys()], [...settled.values()]];
}
