import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Notification, NotificationState, Problem, Secret } from '../kazoo/notification.ts';
import { quoted } from '../quoted.ts';
import { StoredEntry } from './entry.ts';
import type { Entry } from './journal.ts';

/** The columns of an entry, in the order in which `entryOf` reads them. */
export const entryColumns = 'seq, id, occurred_at, received_at, head, data';

/** The columns of a notification, in the order in which `addRow` gives their values. */
const columns = ['seq', 'id', 'fingerprint', 'own_time', 'occurred_at', 'received_at', 'head', 'data', 'raw'];

/** The column `head`: the view `entries` has columns for what stands in it. */
type Head = readonly [
  event: string | null,
  known: boolean,
  category: string | null,
  accountId: string | null,
  zone: string,
  node: string | null,
  routingKey: string,
  preview: boolean,
  state: NotificationState,
  problems: readonly Problem[],
  resendOf: string | null,
  secrets: readonly Secret[],
];

/** A notification as a row of the table. */
export interface NotificationRow {
  readonly notification: Notification;
  readonly seq: number;
  readonly resendOf: string | null;
}

/** Adds its values to those of a statement of `insertNotifications`. */
export function addRow(values: SQLInputValue[], row: NotificationRow): void {
  const { notification, seq } = row;
  values.push(
    seq,
    notification.id,
    notification.fingerprint,
    notification.ownTime,
    notification.occurredAt,
    notification.receivedAt,
    headOf(row),
    notification.json,
    notification.raw,
  );
}

/** `Head` as JSON. Written piece by piece, because nearly all of them come again and again. */
function headOf({ notification, resendOf }: NotificationRow): string {
  const { event, known, category, accountId, zone, node, routingKey, preview, state, problems, secrets } = notification;
  return (
    `[${quoted(event)},${known},${quoted(category)},${quoted(accountId)},${quoted(zone)},${quoted(node)},` +
    `${quoted(routingKey)},${preview},"${state}",${problems.length === 0 ? '[]' : JSON.stringify(problems)},` +
    `${JSON.stringify(resendOf)},${secrets.length === 0 ? '[]' : JSON.stringify(secrets)}]`
  );
}

/**
 * Sets what is said of a notification in its head: two values, the second of them JSON, and then the place of the entry.
 */
export const updateJudgement = `UPDATE notifications SET head = json_set(head, '$[8]', ?, '$[9]', json(?)) WHERE seq = ?`;

/**
 * Inserts so many notifications, but those that the table has already. What may only abort as a whole would have SQLite
 * keep each page that it changes, which is a tenth of an append: so it may end the transaction instead.
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
type EntryRow = readonly [seq: number, id: string, occurredAt: number, receivedAt: number, head: string, json: string];

/** @param values a row of a query of `prepareEntries` */
export function entryOf(values: unknown): Entry {
  const [seq, id, occurredAt, receivedAt, head, json] = values as EntryRow; // as the query has its columns
  const [event, known, category, accountId, zone, node, routingKey, preview, state, problems, resendOf, secrets] =
    JSON.parse(head) as Head; // as `headOf` wrote it
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
