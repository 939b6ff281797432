import type { DeliveryFilter, DeliveryRecord } from '../operator-store.ts';
import type { Attempt } from '../route-session.ts';
import type { Queryable } from './connection.ts';
import { entryConditions, listed, ownConditions, parameter, seqsOf } from './delivery-filter.ts';
import { fewGroups, recordsOfGroup } from './delivery-groups.ts';

/** So many are looked at by one statement, where few may fit what is known of their entries. */
const lookedAtOnce = 5_000;

/** One that is changed: by its route and its entry, never by its place, which another one may have by now. */
export interface RecordPlace {
  readonly number: number;
  readonly route: string;
  readonly seq: number;
}

/** Of few groups, by the index of each; of others, looked for in all. */
export async function records(
  database: Queryable,
  which: DeliveryFilter,
  after: number,
  limit: number,
): Promise<DeliveryRecord[]> {
  const chosen = await fewGroups(database, which, fewest);
  if (chosen === null) return fitting(database, which, after, limit, recordColumns, recordOf);
  const columns = (['route', 'state', 'reason', 'event'] as const).map((name) => chosen.map((group) => group[name]));
  const rows = await database.query(
    `SELECT ${recordColumns} FROM (
       SELECT d.* FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) g(route, state, reason, event), LATERAL (
         ${recordsOfGroup('$1::bigint', '$2::bigint')}) d
       ORDER BY d.number LIMIT $2::bigint) chosen, LATERAL (${entryOfDelivery('chosen')}) e ORDER BY chosen.number`,
    [after, limit, ...columns],
  );
  return rows.map(recordOf);
}

/** So many groups are gone through one by one. */
const fewest = 50;

/** The same without what an operator reads. */
export function recordPlaces(
  database: Queryable,
  which: DeliveryFilter,
  after: number,
  limit: number,
): Promise<RecordPlace[]> {
  return fitting(database, which, after, limit, 'chosen.number, chosen.route, chosen.seq', (row) => row as RecordPlace);
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
    const own = ['d.number > $1', ...ownConditions(which, values)];
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

function entryOfDelivery(name: string): string {
  return `SELECT n.id, n.event, n.account_id, n.received_at FROM entries n WHERE n.seq = ${name}.seq OFFSET 0`;
}

const recordColumns = `chosen.number, chosen.seq, chosen.route, chosen.state, chosen.reason, chosen.attempts, chosen.due_at AS "dueAt",
  chosen.updated_at AS "updatedAt", e.id, e.event, e.account_id AS "accountId", e.received_at AS "receivedAt"`;

function recordOf(row: object): DeliveryRecord {
  const { attempts, ...record } = row as DeliveryRecord & { readonly attempts: unknown }; // as the columns are named
  return { ...record, attempts: JSON.parse(String(attempts)) as Attempt[] }; // as a settlement wrote them
}
