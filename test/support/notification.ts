import { randomUUID } from 'node:crypto';
import { noLimits } from '../../src/kazoo/body.ts';
import { decode } from '../../src/kazoo/decode.ts';
import { toAmqpTimestamp } from '../../src/kazoo/time.ts';
import { Entry } from '../../src/notification/entry.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import { Header } from '../../src/notification/header.ts';
import { Notification } from '../../src/notification/notification.ts';
import { shape } from '../../src/routes/shape.ts';

const body = { event_name: 'low_balance', current_balance: -1 };

/** As intake has it. */
const usual = decode(
  {
    body: Buffer.from(JSON.stringify({ ...body, account_id: 'a1', node: 'kazoo_apps@apps1.example.com' })),
    routingKey: 'notifications.account.low_balance',
    contentEncoding: undefined,
    timestamp: toAmqpTimestamp(1_700_000_000_000),
    zone: 'west',
    receivedAt: 1_700_000_000_500,
  },
  noLimits,
);

export type NotificationParts = Partial<Omit<Notification, 'header'> & Header>;

/** A valid notification, different from every other one, with the given parts in place of its own and its header's. */
export function notification(parts: NotificationParts): Notification {
  const header = new Header({ ...usual.header, id: randomUUID(), ...parts });
  return new Notification({
    ...usual,
    fingerprint: randomUUID(),
    data: null,
    json: JSON.stringify(body),
    ...parts,
    header,
  });
}

export type EntryParts = Partial<Omit<Entry, 'header'> & Header>;

/** The same as an entry of the journal. */
export function entry({ seq = 1, resendOf = null, data = body, ...parts }: EntryParts): Entry {
  return new Entry(seq, resendOf, notification({ json: JSON.stringify(data), ...parts }));
}

/** What a sink gets of a notification with this id. @param mayRepeat a former attempt may have delivered it */
export function delivery(id: string, mayRepeat = false): Delivery {
  return deliveryFrom(entry({ id }), mayRepeat);
}

/** What a sink gets of an entry, from a route that reveals and reshapes nothing. */
export function deliveryFrom(entry: Entry, mayRepeat = false): Delivery {
  return shape(entry, [], undefined, mayRepeat);
}

/** A notification as the journal gives it back. */
export function entryOf(notification: Notification, seq: number): Entry {
  return new Entry(seq, null, notification);
}
