import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Notification } from '../../kazoo/notification.ts';
import type { Entry } from '../../notification/entry.ts';
import { StoredEntry } from '../entry.ts';
import { metadataIn, metadataText } from './metadata.ts';

/** The columns of an entry, in the order in which `entryOf` reads them. */
export const entryColumns = 'seq, id, occurred_at, received_at, head, data';

/** The columns of a notification, in the order in which `addRow` gives their values. */
const columns = ['seq', 'id', 'fingerprint', 'own_time', 'occurred_at', 'received_at', 'head', 'data', 'raw'];

/** A notification as a row of the table. */
export interface NotificationRow {
  readonly notification: Notification;
  readonly seq: number;
  readonly resendOf: string | null;
}

/** Adds its values to those of a statement of `insertNotifications`. */
export function addRow(values: SQLInputValue[], { notification, seq, resendOf }: NotificationRow): void {
  values.push(
    seq,
    notification.id,
    notification.fingerprint,
    notification.ownTime,
    notification.occurredAt,
    notification.receivedAt,
    metadataText(notification, resendOf),
    notification.json,
    notification.raw,
  );
}

/**
 * Inserts so many notifications, but those that the table has already. What may only abort as a whole would have SQLite
 * keep each page that it changes, which is a tenth of an append: so it may end the transaction instead. After an error,
 * some of the rows may be there; whoever runs it rolls back.
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

/** The values of `entryColumns`, whose types are those that the table's STRICT definition gives them. */
type EntryRow = readonly [
  seq: number,
  id: string,
  occurredAt: number,
  receivedAt: number,
  metadata: string,
  json: string,
];

/** @param values a row of a query of `prepareEntries` */
export function entryOf(values: unknown): Entry {
  const [seq, id, occurredAt, receivedAt, metadata, json] = values as EntryRow; // as the query has its columns
  const [event, known, category, accountId, zone, node, routingKey, preview, state, problems, resendOf, secrets] =
    metadataIn(metadata);
  return new StoredEntry(
    seq,
    id,
    event,
    known,
    category,
    accountId,
    zone,
    node,
    occurredAt,
    receivedAt,
    routingKey,
    preview,
    state,
    problems,
    resendOf,
    json,
    secrets,
  );
}
