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

export function groups(database: DatabaseSync, which: DeliveryFilter, atMost?: number): DeliveryGroup[] {
  const { event, since, ids, states } = which;
  const isNarrow = event !== undefined || since !== undefined || ids !== undefined;
  // What waits isn't in the index that groups are found by.
  if (atMost !== undefined && !isNarrow && !states.includes('waiting')) return boundedGroups(database, which, atMost);
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

/** Steps from group to group along the index, and counts each no further than asked for: a million cost as much as a few. */
function boundedGroups(database: DatabaseSync, which: DeliveryFilter, atMost: number): DeliveryGroup[] {
  const next = database.prepare(`
    SELECT route, state, reason FROM deliveries WHERE state <> 'waiting' AND (route, state, reason) > (?, ?, ?)
    ORDER BY route, state, reason LIMIT 1`);
  const count = database.prepare(`
    SELECT count(*) AS count FROM (SELECT 1 FROM deliveries
      WHERE state <> 'waiting' AND route = ? AND state = ? AND reason = ? LIMIT ?)`);
  const end = (order: 'ASC' | 'DESC') =>
    database.prepare(`
      SELECT updated_at FROM deliveries WHERE state <> 'waiting' AND route = ? AND state = ? AND reason = ?
      ORDER BY updated_at ${order} LIMIT 1`);
  const [first, last] = [end('ASC'), end('DESC')];
  const isWanted = (route: string, state: DeliveryRecord['state'], reason: string) =>
    which.states.includes(state) &&
    (which.route ?? route) === route &&
    (which.reason ?? reason) === reason &&
    (which.routes?.includes(route) ?? true);
  const found: DeliveryGroup[] = [];
  // A receiver that answers each request with another reason must not stop us here.
  let key: [string, string, string] = ['', '', ''];
  for (let step = 0; step < mostGroups; step += 1) {
    const row = next.get(...key);
    if (row === undefined) break;
    key = [String(row.route), String(row.state), String(row.reason)];
    const [route, text, reason] = key;
    const state = text as DeliveryRecord['state']; // as the table's CHECK says
    if (!isWanted(route, state, reason)) continue;
    const group = { route, state, reason, dueAt: null };
    const number = Number(count.get(...key, atMost + 1)?.count);
    const [begun, ended] = [first, last].map((statement) => Number(statement.get(...key)?.updated_at));
    found.push({ ...group, count: number, first: begun ?? 0, last: ended ?? 0 });
  }
  return found.sort((one, other) => other.count - one.count || other.last - one.last);
}

const mostGroups = 1_000;

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
