import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryFilter, DeliveryRecord } from '../operator-store.ts';
import type { Attempt } from '../route-session.ts';
import { type Conditions, conditions, isAmong, withEntries } from './delivery-filter.ts';
import { fewGroups } from './delivery-groups.ts';

/** Of few groups, by the index of each; of others, looked for in all. */
export function records(database: DatabaseSync, which: DeliveryFilter, after: number, limit: number): DeliveryRecord[] {
  const chosen = fewGroups(database, which, fewest);
  if (chosen === null) return recordsAmong(database, conditions(which), after, limit);
  const find = database.prepare(
    `SELECT rowid AS number FROM deliveries
     WHERE route = ? AND state = ? AND reason = ? AND event = ? AND rowid > ? ORDER BY rowid LIMIT ?`,
  );
  const numbers = chosen.flatMap(({ route = null, state = null, reason = null, event = null }) =>
    find.all(route, state, reason, event, after, limit).map((row) => Number(row.number)),
  );
  const first = numbers.sort((one, other) => one - other).slice(0, limit);
  return recordsAmong(database, { where: `d.rowid ${isAmong}`, values: [JSON.stringify(first)] }, after, limit);
}

/** So many groups are gone through one by one. */
const fewest = 50;

function recordsAmong(
  database: DatabaseSync,
  { where, values }: Pick<Conditions, 'where' | 'values'>,
  after: number,
  limit: number,
): DeliveryRecord[] {
  return database
    .prepare(
      `SELECT ${recordColumns} FROM ${withEntries}
       WHERE ${where} AND d.rowid > ? ORDER BY d.rowid LIMIT ?`,
    )
    .all(...values, after, limit)
    .map(recordOf);
}

export function recordsOf(database: DatabaseSync, seq: number): DeliveryRecord[] {
  return database
    .prepare(`SELECT ${recordColumns} FROM ${withEntries} WHERE d.seq = ? ORDER BY d.route`)
    .all(seq)
    .map(recordOf);
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
