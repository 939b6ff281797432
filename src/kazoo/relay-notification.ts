import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../common/json.ts';
import { Header } from '../notification/header.ts';
import { Notification } from '../notification/notification.ts';
import { notificationId } from './identity.ts';
import { anyEventNamed, relayCategory } from './relay-events.ts';

/** Something that the daemon tells of itself. */
export interface OwnEvent {
  readonly event: string;
  /** Its own fields. */
  readonly data: JsonObject;
}

/** Who tells it. */
interface Publisher {
  readonly node: string;
  readonly version: string;
}

/** An own event as a notification, such as KAZOO's are. @param now in Unix milliseconds */
export function relayNotification(
  { event, data: own }: OwnEvent,
  { node, version }: Publisher,
  now: number,
): Notification {
  const data = {
    ...{ app_name: 'kazoo-relay', app_version: version, event_category: 'notification', event_name: event },
    ...{ msg_id: randomUUID(), node, ...own },
  };
  const json = JSON.stringify(data);
  return new Notification({
    header: new Header({
      ...{ id: notificationId({ body: Buffer.from(json) }, now), event, known: true, category: relayCategory },
      ...{ accountId: null, zone: typeof own.zone === 'string' ? own.zone : '', node },
      ...{ occurredAt: now, receivedAt: now, routingKey: anyEventNamed(event)?.routingKey ?? '', preview: false },
    }),
    ...{ fingerprint: '', ownTime: null, state: 'valid', problems: [], unknownFields: [] },
    ...{ data: null, json, secrets: [], raw: null, mayHoldSecrets: false },
  });
}
