import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { DeliveryFilter, DeliveryGroup, DeliveryRecord } from '../operator-store.ts';
import type { Attempt } from '../route-session.ts';

export function records(database: DatabaseSync, which: DeliveryFilter, after: number, limit: number): DeliveryRecord[] {
  const { where, values } = conditions(which);
  return database
    .prepare(
      `SELECT ${recordColumns} FROM ${withEntries}
       WHERE ${where} AND d.rowid > ? ORDER BY d.rowid LIMIT ?`,
    )
    .all(...values, after, limit)
    .map(recordOf);
}

export function groups(database: DatabaseSync, which: DeliveryFilter): DeliveryGroup[] {
  const { where, values, from } = conditions(which);
  const isIndexed = which.states.includes('waiting') ? '' : "d.state <> 'waiting' AND";
  return database
    .prepare(
      `SELECT d.route, d.state, d.reason, count(*) AS count, min(d.updated_at) AS first, max(d.updated_at) AS last,
         min(d.due_at) AS due_at
       FROM ${from} WHERE ${isIndexed} ${where}
       GROUP BY d.route, d.state, d.reason ORDER BY count DESC, last DESC`,
    )
    .all(...values)
    .map((row) => ({
      route: String(row.route),
      state: row.state as DeliveryRecord['state'], // as the table's CHECK says
      reason: String(row.reason),
      count: Number(row.count),
      first: Number(row.first),
      last: Number(row.last),
      dueAt: row.due_at === null ? null : Number(row.due_at),
    }));
}

export function recordsOf(database: DatabaseSync, seq: number): DeliveryRecord[] {
  return database
    .prepare(`SELECT ${recordColumns} FROM ${withEntries} WHERE d.seq = ? ORDER BY d.route`)
    .all(seq)
    .map(recordOf);
}

/**
 * What a selection says in SQL. The plus keeps SQLite from the index of routes and states, by which it would sort all of
 * them for each page.
 */
export function conditions({ states, route, routes, reason, event, since, ids }: DeliveryFilter): Conditions {
  const parts: [string, SQLInputValue][] = [[`+d.state ${isAmong}`, JSON.stringify(states)]];
  if (route !== undefined) parts.push(['+d.route = ?', route]);
  if (routes !== undefined) parts.push([`+d.route ${isAmong}`, JSON.stringify(routes)]);
  if (reason !== undefined) parts.push(['+d.reason = ?', reason]);
  if (event !== undefined) parts.push(['e.event = ?', event]);
  if (since !== undefined) parts.push(['e.received_at >= ?', since]);
  if (ids !== undefined)
    parts.push([`d.seq IN (SELECT seq FROM notifications WHERE id ${isAmong})`, JSON.stringify(ids)]);
  const hasEntry = event !== undefined || since !== undefined;
  return {
    where: parts.map(([part]) => part).join(' AND '),
    values: parts.map(([, value]) => value),
    from: hasEntry ? withEntries : 'deliveries d',
  };
}

export const isAmong = 'IN (SELECT value FROM json_each(?))';
const withEntries = 'deliveries d JOIN entries e USING (seq)';

interface Conditions {
  readonly where: string;
  readonly values: readonly SQLInputValue[];
  /** The tables that it needs. To look at a million entries takes ten times as long as at their deliveries. */
  readonly from: string;
}

const recordColumns = `d.rowid AS number, d.seq, d.route, d.state, d.reason, d.attempts, d.due_at, d.updated_at, e.id, e.event,
  e.account_id, e.received_at`;

function recordOf(row: Record<string, unknown>): DeliveryRecord {
  return {
    number: Number(row.number),
    seq: Number(row.seq),
    route: String(row.route),
    state: row.state as DeliveryRecord['state'], // as the table's CHECK says
    reason: String(row.reason),
    attempts: JSON.parse(String(row.attempts)) as Attempt[], // as Deliveries#record wrote them
    dueAt: row.due_at === null ? null : Number(row.due_at),
    updatedAt: Number(row.updated_at),
    id: String(row.id),
    event: row.event === null ? null : String(row.event),
    accountId: row.account_id === null ? null : String(row.account_id),
    receivedAt: Number(row.received_at),
  };
}
