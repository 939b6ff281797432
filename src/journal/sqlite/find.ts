import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';
import type { Query } from '../reader.ts';
import { firstSince } from './block-index.ts';
import { entryColumns, entryOf, prepareEntries } from './rows.ts';

/** Entries that fit, oldest first. Event names may be globs. */
export function find(database: DatabaseSync, query: Query): Entry[] {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const where = (condition: string, value: SQLInputValue) => {
    conditions.push(condition);
    values.push(value);
  };
  if (query.after !== undefined) where('seq > ?', query.after);
  if (query.since !== undefined) {
    where('seq >= ?', firstSince(database, query.since) ?? Number.MAX_SAFE_INTEGER);
    where('received_at >= ?', query.since);
  }
  if (query.events)
    where('EXISTS (SELECT 1 FROM json_each(?) WHERE event GLOB value)', JSON.stringify(query.events.map(literal)));
  if (query.accounts) where('account_id IN (SELECT value FROM json_each(?))', JSON.stringify(query.accounts));

  const newest = query.after === undefined && query.since === undefined;
  const rows = prepareEntries(
    database,
    `SELECT ${entryColumns} FROM entries
     ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
     ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT ?`,
  ).all(...values, query.limit);
  if (newest) rows.reverse();
  return rows.map(entryOf);
}

/** GLOB gives more characters a meaning than our patterns do. */
function literal(pattern: string): string {
  return pattern.replace(/[?[]/g, '[$&]');
}
