import type { JsonObject, Notification, NotificationState, Problem, Secret } from '../kazoo/notification.ts';
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

/** An entry as the table's row, whose columns have the types that its STRICT definition and `notificationRow` give them. */
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
  let data: JsonObject | null | undefined;
  return {
    seq: row.seq,
    id: row.id,
    event: row.event,
    known: row.known === 1,
    category: row.category,
    accountId: row.account_id,
    zone: row.zone,
    node: row.node,
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
    routingKey: row.routing_key,
    preview: row.preview === 1,
    state: row.state,
    problems: row.problems === null ? [] : (JSON.parse(row.problems) as Problem[]),
    resendOf: row.resend_of,
    json: row.data,
    secrets: row.secrets === null ? [] : (JSON.parse(row.secrets) as Secret[]),
    get data() {
      data ??= JSON.parse(row.data) as JsonObject | null;
      return data;
    },
  };
}

/** The entry of a notification that has just been committed: what routes that are caught up read. */
export function entryOfNotification(notification: Notification, seq: number, resendOf: string | null): Entry {
  return {
    seq,
    id: notification.id,
    event: notification.event,
    known: notification.known,
    category: notification.category,
    accountId: notification.accountId,
    zone: notification.zone,
    node: notification.node,
    occurredAt: notification.occurredAt,
    receivedAt: notification.receivedAt,
    routingKey: notification.routingKey,
    preview: notification.preview,
    state: notification.state,
    problems: notification.problems,
    resendOf,
    json: notification.json,
    secrets: notification.secrets,
    data: notification.data,
  };
}
