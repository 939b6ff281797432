import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';
import { headLength } from '../../notification/header.ts';
import type { Notification } from '../../notification/notification.ts';
import { type EntryRow, entryIn, fewestPlaces, headOf, headPlaces, headStates } from '../entry-head.ts';

/** The columns of an entry, in the order in which `entryOf` reads them. */
export const entryColumns = 'seq, id, occurred_at, received_at, head, data';

/** The columns of a notification, in the order in which `addRow` gives their values. */
const columns = ['seq', 'id', 'fingerprint', 'own_time', 'occurred_at', 'received_at', 'head', 'data', 'raw'];

/** Adds a row's values to those of a statement of `insertNotifications`. */
export function addRow(values: SQLInputValue[], entry: Entry, { fingerprint, ownTime, raw }: Notification): void {
  const { seq, header, json } = entry;
  values.push(
    seq,
    header.id,
    fingerprint,
    ownTime,
    header.occurredAt,
    header.receivedAt,
    headOf(entry, entry.resendOf),
    json,
    raw,
  );
}

/**
 * The statement that inserts so many notifications, except those that the table has. It ends the transaction on
 * failure: a statement that could only abort by itself would make SQLite keep a copy of each page that it changes, a
 * tenth of an append. After an error, some rows may be stored: the caller rolls back.
 */
export function insertNotifications(count: number): string {
  const row = `(${columns.map(() => '?').join(', ')})`;
  return `INSERT OR ROLLBACK INTO notifications (${columns.join(', ')}) VALUES ${Array(count).fill(row).join(', ')}
    ON CONFLICT (id) DO NOTHING`;
}

/**
 * Prepares a query whose first columns are those of an entry. Its rows are arrays: they cost half of what objects do.
 */
export function prepareEntries(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/** Those of these entries that the table hasn't any more. */
export function erasedAmong(database: DatabaseSync, seqs: readonly number[]): Set<number> {
  const rows = database
    .prepare(
      'SELECT value AS seq FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM notifications WHERE seq = json_each.value)',
    )
    .all(JSON.stringify(seqs));
  return new Set(rows.map((row) => Number(row.seq)));
}

/** @param values a row of a query of `prepareEntries` @throws SyntaxError where its head was overwritten */
export function entryOf(values: unknown): Entry {
  return entryIn(values as EntryRow); // as the query has its columns, whose types the table's STRICT definition gives them
}

/** Whether the column's value is such a head, in SQL. */
export const isHeadInSql = `CASE WHEN json_valid(head) THEN json_array_length(head) BETWEEN ${fewestPlaces} AND ${headLength}
  AND head ->> ${headPlaces.state} IN (${headStates.map((state) => `'${state}'`).join(', ')}) ELSE 0 END`;

/** SQL that saves what a validator has found. Parameters: its state, its problems as JSON, and `seq`. */
export const updateValidation = `UPDATE notifications
  SET head = json_set(head, '$[${headPlaces.state}]', ?, '$[${headPlaces.problems}]', json(?)) WHERE seq = ?`;
