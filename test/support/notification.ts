import { randomUUID } from 'node:crypto';
import { StoredEntry } from '../../src/journal/entry.ts';
import type { Notification } from '../../src/kazoo/notification.ts';
import type { Entry } from '../../src/notification/entry.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import { shape } from '../../src/routes/shape.ts';

const body = { event_name: 'low_balance', current_balance: -1 };

/** A valid notification, different from every other one, with the given parts in place of its own. */
export function notification(parts: Partial<Notification>): Notification {
  return {
    id: randomUUID(),
    fingerprint: randomUUID(),
    ownTime: null,
    event: 'low_balance',
    known: true,
    category: 'account',
    accountId: 'a1',
    zone: 'west',
    node: 'kazoo_apps@apps1.example.com',
    occurredAt: 1_700_000_000_000,
    receivedAt: 1_700_000_000_500,
    routingKey: 'notifications.account.low_balance',
    preview: false,
    state: 'valid',
    problems: [],
    unknownFields: [],
    json: JSON.stringify(body),
    secrets: [],
    raw: null,
    ...parts,
  };
}

/** The same as an entry of the journal. */
export function entry(parts: Partial<Entry>): Entry {
  const { raw, fingerprint, ownTime, unknownFields, ...rest } = notification({});
  return { ...rest, seq: 1, resendOf: null, data: body, ...parts };
}

/** What a sink gets of a notification with this id. */
export function delivery(id: string): Delivery {
  return deliveryFrom(entry({ id }));
}

/** What a sink gets of an entry, from a route that reveals and reshapes nothing. */
export function deliveryFrom(entry: Entry): Delivery {
  return shape(entry, []);
}

/** A notification as the journal gives it back. */
export function entryOf(notification: Notification, seq: number): Entry {
  return StoredEntry.of(notification, seq, null);
}
