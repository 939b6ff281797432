import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { type Due, mostDue, nextTryOf, waitingRoutes } from '../next-tries.ts';
import {
  type DeliveryFilter,
  type DeliveryGroup,
  type DeliveryRecord,
  type EventGroups,
  type GroupFilter,
  isAboutGroups,
  mostGroups,
} from '../operator-store.ts';
import { digestReason } from '../route-session.ts';
import { conditions, groupConditions } from './delivery-filter.ts';

/*
 * Groups of records, by the tables of counts that the database itself keeps: see the tenth migration.
 */

export function eventGroups(database: DatabaseSync, which: GroupFilter, limit: number): EventGroups {
  const { where, values } = groupConditions(which);
  const from = `(SELECT * FROM delivery_groups WHERE ${where} LIMIT ${mostGroups + 1})`;
  const sums = database.prepare(`SELECT count(*) AS fitting, sum(count) AS count FROM ${from}`).get(...values);
  const rows = database
    .prepare(`SELECT *, (${example}) AS example FROM ${from} g ORDER BY count DESC, last DESC LIMIT ?`)
    .all(...values, limit);
  const fitting = Number(sums?.fitting);
  const found = rows.map((row) => ({ ...groupOf(row), event: String(row.event), example: textOrNull(row.example) }));
  const first = firstDue(database, waitingRoutes(found));
  return {
    groups: found.map((group) => ({ ...group, event: group.event || null, nextTry: nextTryOf(group, first) })),
    fitting,
    count: Number(sums?.count),
    isMore: fitting > mostGroups,
  };
}

/** Of each of these routes. */
function firstDue(database: DatabaseSync, routes: readonly string[]): Due[] {
  const find = database.prepare(
    `SELECT route, reason, event, due_at FROM deliveries WHERE route = ? AND state = 'waiting' AND due_at IS NOT NULL
     ORDER BY due_at LIMIT ${mostDue}`,
  );
  return routes.flatMap((name) =>
    find.all(name).map(({ route, reason, event, due_at }) => ({
      ...{ route: String(route), reason: String(reason), event: String(event), dueAt: Number(due_at) },
    })),
  );
}

const example = `SELECT n.id FROM deliveries d JOIN notifications n USING (seq)
  WHERE d.route = g.route AND d.state = g.state AND d.reason = g.reason AND d.event = g.event
  ORDER BY d.rowid LIMIT 1`;

/** By route, state and reason. Nobody keeps when the next try of a group is. */
export function groups(database: DatabaseSync, which: DeliveryFilter): DeliveryGroup[] {
  const kept = isAboutGroups(which);
  const { where, values, from } = kept ? groupConditions(which) : conditions(which);
  const columns = kept
    ? `sum(count) AS count, min(first) AS first, max(last) AS last, CASE d.state WHEN 'waiting' THEN (
         SELECT min(due_at) FROM deliveries w WHERE w.route = d.route AND w.state = d.state AND w.reason = d.reason) END AS due_at`
    : 'count(*) AS count, min(d.updated_at) AS first, max(d.updated_at) AS last, min(d.due_at) AS due_at';
  return database
    .prepare(
      `SELECT d.route, d.state, d.reason, ${columns} FROM ${from} WHERE ${where}
       GROUP BY d.route, d.state, d.reason ORDER BY count DESC, last DESC`,
    )
    .all(...values)
    .map((row) => ({ ...groupOf(row), dueAt: row.due_at === null ? null : Number(row.due_at) }));
}

export function countOf(database: DatabaseSync, which: DeliveryFilter): number {
  const kept = isAboutGroups(which);
  const { where, values, from } = kept ? groupConditions(which) : conditions(which);
  const row = database
    .prepare(`SELECT ${kept ? 'sum(d.count)' : 'count(*)'} AS count FROM ${from} WHERE ${where}`)
    .get(...values);
  return Number(row?.count ?? 0);
}

/** How many records of a route are in a state, and how many of these no operator has looked at. */
interface Total {
  readonly route: string;
  readonly state: DeliveryRecord['state'];
  readonly count: number;
  readonly unseen: number;
}

/** Those that wait for their digest, by route. */
export function collectingIn(database: DatabaseSync): Map<string, number> {
  const rows = database
    .prepare(
      `SELECT route, sum(count) AS count FROM delivery_groups
       WHERE state = 'waiting' AND substr(reason, 1, length(?1)) = ?1 GROUP BY route`,
    )
    .all(digestReason);
  return new Map(rows.map(({ route, count }) => [String(route), Number(count)]));
}

export function totalsIn(database: DatabaseSync): Total[] {
  return database
    .prepare('SELECT route, state, count, unseen FROM delivery_totals')
    .all()
    .map(({ route, state, count, unseen }) => ({
      route: String(route),
      state: state as DeliveryRecord['state'], // as the CHECK of deliveries says
      count: Number(count),
      unseen: Number(unseen),
    }));
}

/** The groups of a filter; null where they are too many to go through the records of each, or don't tell all. */
export function fewGroups(
  database: DatabaseSync,
  which: DeliveryFilter,
  atMost: number,
): Record<string, SQLOutputValue>[] | null {
  if (!isAboutGroups(which)) return null;
  const { where, values } = groupConditions(which);
  const rows = database.prepare(`SELECT * FROM delivery_groups WHERE ${where} LIMIT ?`).all(...values, atMost + 1);
  return rows.length > atMost ? null : rows;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function groupOf(row: Record<string, unknown>): Omit<DeliveryGroup, 'dueAt'> {
  return {
    route: String(row.route),
    state: row.state as DeliveryRecord['state'], // as the CHECK of deliveries says
    reason: String(row.reason),
    count: Number(row.count),
    first: Number(row.first),
    last: Number(row.last),
  };
}
