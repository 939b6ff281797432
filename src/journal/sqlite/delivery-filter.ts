import type { SQLInputValue } from 'node:sqlite';
import type { DeliveryFilter, GroupFilter } from '../operator-store.ts';

/**
 * What a selection says in SQL. The plus keeps SQLite from the index of routes and states, by which it would sort all of
 * them for each page.
 */
export function conditions({ states, route, routes, reason, event, since, ids }: DeliveryFilter): Conditions {
  const parts: [string, SQLInputValue][] = [[`+d.state ${isAmong}`, JSON.stringify(states)]];
  if (route !== undefined) parts.push(['+d.route = ?', route]);
  if (routes !== undefined) parts.push([`+d.route ${isAmong}`, JSON.stringify(routes)]);
  if (reason !== undefined) parts.push(['+d.reason = ?', reason]);
  if (event !== undefined) parts.push(['+d.event = ?', event]);
  if (since !== undefined) parts.push(['e.received_at >= ?', since]);
  if (ids !== undefined)
    parts.push([`d.seq IN (SELECT seq FROM notifications WHERE id ${isAmong})`, JSON.stringify(ids)]);
  return {
    where: parts.map(([part]) => part).join(' AND '),
    values: parts.map(([, value]) => value),
    from: since === undefined ? 'deliveries d' : withEntries,
  };
}

/** The same of the groups that are counted. */
export function groupConditions({ states, route, routes, reason, event }: GroupFilter): Conditions {
  const parts: [string, SQLInputValue][] = [[`state ${isAmong}`, JSON.stringify(states)]];
  if (route !== undefined) parts.push(['route = ?', route]);
  if (routes !== undefined) parts.push([`route ${isAmong}`, JSON.stringify(routes)]);
  if (reason !== undefined) parts.push(['reason = ?', reason]);
  if (event !== undefined) parts.push(['event = ?', event]);
  return {
    where: parts.map(([part]) => part).join(' AND '),
    values: parts.map(([, value]) => value),
    from: 'delivery_groups d',
  };
}

export const isAmong = 'IN (SELECT value FROM json_each(?))';
export const withEntries = 'deliveries d JOIN entries e USING (seq)';

export interface Conditions {
  readonly where: string;
  readonly values: readonly SQLInputValue[];
  /** The tables that it needs. To look at a million entries takes ten times as long as at their deliveries. */
  readonly from: string;
}
