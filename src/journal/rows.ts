import type { Notification, NotificationState, Problem, Secret } from '../kazoo/notification.ts';
import { StoredEntry } from './entry.ts';
import type { Entry } from './journal.ts';

/** The columns of an entry, as `entryOf` reads them. */
export const entryColumns = `seq, id, event, known, category, account_id, zone, node, occurred_at, received_at,
  routing_key, preview, state, problems, resend_of, data, secrets`;

/** The values of one notification, in the order of `insertNotification`'s columns. */
export function notificationRow(notification: Notification, seq: number, resendOf: string | null) {
  return [
    seq,
    notification.id,
    notification.fingerprint,
    notification.ownTime,
    notification.event,
    notification.known ? 1 : 0,
    notification.category,
    notification.accountId,
    notification.zone,
    notification.node,
    notification.occurredAt,
    notification.receivedAt,
    notification.routingKey,
    notification.preview ? 1 : 0,
    notification.state,
    notification.problems.length === 0 ? null : JSON.stringify(notification.problems),
    resendOf,
    notification.json,
    notification.secrets.length === 0 ? null : JSON.stringify(notification.secrets),
    notification.raw,
  ] as const;
}

export const insertNotification = `
  INSERT INTO notifications (seq, id, fingerprint, own_time, event, known, category, account_id, zone, node, occurred_at,
    received_at, routing_key, preview, state, problems, resend_of, data, secrets, raw)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;

/**
 * An entry as the table's row, whose columns have the types that its STRICT definition and `notificationRow` give them.
 */
export interface EntryRow {
  seq: number;
  id: string;
  event: string | null;
  known: number;
  category: string | null;
  account_id: string | null;
  zone: string;
  node: string | null;
  occurred_at: number;
  received_at: number;
  routing_key: string;
  preview: number;
  state: NotificationState;
  problems: string | null;
  resend_of: string | null;
  data: string;
  secrets: string | null;
}

export function entryOf(row: EntryRow): Entry {
  return new StoredEntry(
    row.seq,
    row.id,
    row.event,
    row.known === 1,
    row.category,
    row.account_id,
    row.zone,
    row.node,
    row.occurred_at,
    row.received_at,
    row.routing_key,
    row.preview === 1,
    row.state,
    row.problems === null ? none : (JSON.parse(row.problems) as Problem[]),
    row.resend_of,
    row.data,
    row.secrets === null ? none : (JSON.parse(row.secrets) as Secret[]),
  );
}

const none: readonly never[] = [];
