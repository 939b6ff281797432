import type { DeliveryFilter } from '../operator-store.ts';
import type { Queryable } from './connection.ts';

/** The records of a filter as d, with its conditions: what comes behind FROM. */
export async function filtered(database: Queryable, which: DeliveryFilter, values: unknown[]): Promise<string> {
  const seqs = await seqsOf(database, which.ids);
  const entry = entryConditions(which, values);
  const from = seqs === null ? 'deliveries d' : listed(parameter(values, seqs, 'bigint[]'), 'd');
  return `${from}${entry.length === 0 ? '' : ' JOIN entries e USING (seq)'} WHERE ${[...ownConditions(which, values), ...entry].join(' AND ')}`;
}

/** Places of entries by their ids; null where none are asked for. What can't be an id is none's. */
export async function seqsOf(database: Queryable, ids: readonly string[] | undefined): Promise<number[] | null> {
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

/** What a selection says of deliveries. */
export function ownConditions({ states, route, routes, reason, event }: DeliveryFilter, values: unknown[]): string[] {
  return [
    `d.state = ANY (${parameter(values, states, 'text[]')})`,
    ...(route === undefined ? [] : [`d.route = ${parameter(values, route, 'text')}`]),
    ...(routes === undefined ? [] : [`d.route = ANY (${parameter(values, routes, 'text[]')})`]),
    ...(reason === undefined ? [] : [`d.reason = ${parameter(values, reason, 'text')}`]),
    ...(event === undefined ? [] : [`d.event = ${parameter(values, event, 'text')}`]),
  ];
}

/** What it says of their entries: to look at a million of these takes ten times as long. */
export function entryConditions({ since }: DeliveryFilter, values: unknown[]): string[] {
  return since === undefined ? [] : [`e.received_at >= ${parameter(values, since, 'bigint')}`];
}

/** Those of some entries, each looked up by itself: for a list, the plan may go through all. */
export function listed(seqs: string, name: string): string {
  return `(SELECT k.* FROM unnest(${seqs}) wanted (seq), LATERAL (
    SELECT * FROM deliveries WHERE deliveries.seq = wanted.seq OFFSET 0) k) ${name}`;
}

export function parameter(values: unknown[], value: unknown, type: string): string {
  values.push(value);
  return `$${values.length}::${type}`;
}
