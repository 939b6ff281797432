import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Notification, NotificationState, Problem, Secret } from '../kazoo/notification.ts';
import { StoredEntry } from './entry.ts';
import type { Entry } from './journal.ts';

/** The columns of an entry, in the order in which `entryOf` reads them. */
export const entryColumns = `seq, id, event, known, category, account_id, zone, node, occurred_at, received_at,
  routing_key, preview, state, problems, resend_of, data, secrets`;

/** The columns of a notification that differ from one to the next, in the order in which `addRow` gives their values. */
const ownColumns = [
  'seq',
  'id',
  'fingerprint',
  'own_time',
  'event',
  'category',
  'account_id',
  'zone',
  'node',
  'occurred_at',
  'received_at',
  'routing_key',
  'data',
];

/** Its other columns, in that order too, and the values that they have in nearly all rows, as SQL. */
const usualColumns = {
  known: '1',
  preview: '0',
  state: "'valid'",
  problems: 'NULL',
  resend_of: 'NULL',
  secrets: 'NULL',
  raw: 'NULL',
};

/** A notification as a row of the table. */
export interface NotificationRow {
  readonly notification: Notification;
  readonly seq: number;
  readonly resendOf: string | null;
}

/** Whether the columns of `usualColumns` have the values in it that stand there. Asked of every notification, so written out. */
export function isUsual({ notification, resendOf }: NotificationRow): boolean {
  const { known, preview, state, problems, secrets, raw } = notification;
  return (
    known &&
    !preview &&
    state === 'valid' &&
    problems.length === 0 &&
    resendOf === null &&
    secrets.length === 0 &&
    raw === null
  );
}

/** Adds its values to those of a statement of `insertNotifications`. */
export function addRow(values: SQLInputValue[], row: NotificationRow, columns: 'own' | 'all'): void {
  const { notification, seq, resendOf } = row;
  values.push(
    seq,
    notification.id,
    notification.fingerprint,
    notification.ownTime,
    notification.event,
    notification.category,
    notification.accountId,
    notification.zone,
    notification.node,
    notification.occurredAt,
    notification.receivedAt,
    notification.routingKey,
    notification.json,
  );
  if (columns === 'own') return;
  values.push(
    notification.known ? 1 : 0,
    notification.preview ? 1 : 0,
    notification.state,
    notification.problems.length === 0 ? null : JSON.stringify(notification.problems),
    resendOf,
    notification.secrets.length === 0 ? null : JSON.stringify(notification.secrets),
    notification.raw,
  );
}

/**
 * Inserts so many notifications, but those that the table has already: with the values of all columns, or of their own
 * alone, where the others are usual. Each value that is bound costs as much as a lookup in a map.
 */
export function insertNotifications(count: number, columns: 'own' | 'all'): string {
  const others = Object.values(usualColumns).map((usual) => (columns === 'own' ? usual : '?'));
  const row = `(${[...ownColumns.map(() => '?'), ...others].join(', ')})`;
  return `INSERT INTO notifications (${[...ownColumns, ...Object.keys(usualColumns)].join(', ')})
    VALUES ${Array(count).fill(row).join(', ')} ON CONFLICT (id) DO NOTHING`;
}

/**
 * Prepares a query whose first columns are those of an entry. Its rows are arrays: they cost half of what objects do.
 */
export function prepareEntries(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/**
 * The values of `entryColumns`, whose types are those that the table's STRICT definition and `addRow` give them.
 */
type EntryRow = readonly [
  seq: number,
  id: string,
  event: string | null,
  known: number,
  category: string | null,
  accountId: string | null,
  zone: string,
  node: string | null,
  occurredAt: number,
  receivedAt: number,
  routingKey: string,
  preview: number,
  state: NotificationState,
  problems: string | null,
  resendOf: string | null,
  json: string,
  secrets: string | null,
];

/** @param values a row of a query of `prepareEntries` */
export function entryOf(values: unknown): Entry {
  const row = values as EntryRow; // as the query has its columns
  return new StoredEntry(
    row[0],
    row[1],
    row[2],
    row[3] === 1,
    row[4],
    row[5],
    row[6],
    row[7],
    row[8],
    row[9],
    row[10],
    row[11] === 1,
    row[12],
    row[13] === null ? none : (JSON.parse(row[13]) as Problem[]),
    row[14],
    row[15],
    row[16] === null ? none : (JSON.parse(row[16]) as Secret[]),
  );
}

const none: readonly never[] = [];
