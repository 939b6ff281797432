import { type Due, mostDue, nextTryOf, waitingRoutes } from '../next-tries.ts';
import {
  type DeliveryFilter,
  type DeliveryGroup,
  type EventGroup,
  type EventGroups,
  type GroupFilter,
  isAboutGroups,
  mostGroups,
} from '../operator-store.ts';
import type { Queryable } from './connection.ts';
import { filtered, parameter } from './delivery-filter.ts';

/** Changes that are added to the sums in one step. */
const mostChanges = 10_000;

export async function eventGroups(database: Queryable, which: GroupFilter, limit: number): Promise<EventGroups> {
  const values: unknown[] = [];
  const rows = await database.query<
    Row & { readonly fitting: number; readonly total: number; readonly example: string }
  >(
    `SELECT g.*, one.id AS example FROM (
       SELECT g.*, count(*) OVER () AS fitting, (sum(count) OVER ())::bigint AS total
       FROM (${groupsAmong(which, values)} LIMIT ${mostGroups + 1}) g
       ORDER BY count DESC, last DESC LIMIT ${parameter(values, limit, 'bigint')}) g
     LEFT JOIN LATERAL (
       SELECT e.id FROM (${recordsOfGroup('0', '1')}) d, entries e WHERE e.seq = d.seq) one ON true
     ORDER BY count DESC, last DESC`,
    values,
  );
  const { fitting = 0, total = 0 } = rows[0] ?? {};
  const first = await firstDue(database, waitingRoutes(rows));
  const groups = rows.map(({ fitting: _fitting, total: _total, ...row }) => ({
    ...eventGroupOf(row),
    example: row.example,
    nextTry: nextTryOf(row, first),
  }));
  return { groups, fitting, count: total, isMore: fitting > mostGroups };
}

/** Of each of these routes. */
async function firstDue(database: Queryable, routes: readonly string[]): Promise<readonly Due[]> {
  if (routes.length === 0) return [];
  return database.query<Due>(
    `SELECT r.route, d.reason, d.event, d.due_at AS "dueAt" FROM unnest($1::text[]) r(route), LATERAL (
       SELECT reason, event, due_at FROM deliveries WHERE route = r.route AND state = 'waiting' AND due_at IS NOT NULL
       ORDER BY due_at, seq LIMIT ${mostDue}) d
     ORDER BY r.route, d.due_at`,
    [routes],
  );
}

/**
 * In SQL: so many records of a group g behind a number. It is a span of the index of groups: for equal columns in the order of
 * numbers alone, the plan may go through all that have a number.
 */
export function recordsOfGroup(after: string, limit: string): string {
  const group = (name: string) => ['route', 'state', 'reason', 'event'].map((column) => `${name}.${column}`).join(', ');
  return `SELECT * FROM deliveries d
    WHERE (${group('d')}, d.number) > (${group('g')}, ${after}) AND (${group('d')}) <= (${group('g')})
    ORDER BY ${group('d')}, d.number LIMIT ${limit}`;
}

/** By route, state and reason. Nobody keeps when the next try of a group is. */
export async function groups(database: Queryable, which: DeliveryFilter): Promise<DeliveryGroup[]> {
  const values: unknown[] = [];
  const kept = isAboutGroups(which);
  const columns = kept
    ? `sum(count)::bigint AS count, min(first) AS first, max(last) AS last, CASE d.state WHEN 'waiting' THEN (
         SELECT min(due_at) FROM deliveries w WHERE w.route = d.route AND w.state = d.state AND w.reason = d.reason) END AS "dueAt"`
    : 'count(*) AS count, min(d.updated_at) AS first, max(d.updated_at) AS last, min(d.due_at) AS "dueAt"';
  const from = kept ? `(${groupsAmong(which, values)}) d` : await filtered(database, which, values);
  const rows = await database.query<DeliveryGroup>(
    `SELECT d.route, d.state, d.reason, ${columns} FROM ${from}
     GROUP BY d.route, d.state, d.reason ORDER BY count DESC, last DESC`,
    values,
  );
  return [...rows];
}

export async function countOf(database: Queryable, which: DeliveryFilter): Promise<number> {
  const values: unknown[] = [];
  const text = isAboutGroups(which)
    ? `SELECT coalesce(sum(count), 0)::bigint AS count FROM (${groupsAmong(which, values)}) g`
    : `SELECT count(*) AS count FROM ${await filtered(database, which, values)}`;
  const [row] = await database.query<{ count: number }>(text, values);
  return row?.count ?? 0;
}

/** The groups of a filter; null where they are too many to go through the records of each, or don't tell all. */
export async function fewGroups(
  database: Queryable,
  which: DeliveryFilter,
  atMost: number,
): Promise<readonly Row[] | null> {
  if (!isAboutGroups(which)) return null;
  const values: unknown[] = [];
  const rows = await database.query<Row>(`${groupsAmong(which, values)} LIMIT ${atMost + 1}`, values);
  return rows.length > atMost ? null : rows;
}

/** Adds changes to the sums, some at a time, within a transaction in which nobody else does. Returns whether there is more. */
export async function sumChanges(within: Queryable): Promise<boolean> {
  const [row] = await within.query<{ count: number }>('SELECT sum_changes($1) AS count', [mostChanges]);
  const summed = row?.count ?? 0;
  if (summed === 0) return false;
  for (const table of ['delivery_groups', 'delivery_totals'])
    await within.query(`DELETE FROM ${table} WHERE count = 0`);
  return summed === mostChanges;
}

/** As the tables have it: an event that is none is ''. */
interface Row extends Omit<DeliveryGroup, 'dueAt'> {
  readonly event: string;
}

function eventGroupOf({ event, ...group }: Row): Omit<EventGroup, 'example' | 'nextTry'> {
  return { ...group, event: event === '' ? null : event };
}

/** What is in the sums, with the changes that aren't yet. */
function groupsAmong({ states, route, routes, reason, event }: GroupFilter, values: unknown[]): string {
  const conditions = [
    `state = ANY (${parameter(values, states, 'text[]')})`,
    ...(route === undefined ? [] : [`route = ${parameter(values, route, 'text')}`]),
    ...(routes === undefined ? [] : [`route = ANY (${parameter(values, routes, 'text[]')})`]),
    ...(reason === undefined ? [] : [`reason = ${parameter(values, reason, 'text')}`]),
    ...(event === undefined ? [] : [`event = ${parameter(values, event, 'text')}`]),
  ].join(' AND ');
  return `SELECT route, state, reason, event, sum(count)::bigint AS count, min(first) AS first, max(last) AS last FROM (
      (SELECT * FROM delivery_groups WHERE ${conditions} LIMIT ${mostGroups + 1})
      UNION ALL SELECT route, state, reason, event, change, at, at FROM delivery_changes WHERE ${conditions}) known
    GROUP BY route, state, reason, event HAVING sum(count) > 0`;
}
