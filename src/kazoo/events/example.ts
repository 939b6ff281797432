import type { JsonObject } from '../notification.ts';

/** Who publishes an example, and under which id. */
interface Publisher {
  readonly app: string;
  readonly version?: string;
  readonly msgId: string;
  readonly node?: string;
}

/** The account that the examples are about, and its SIP realm. */
export const account = '2d3b9c1e8f7a46d5b0c4e6f81a92735d';
export const accountDb = 'account%2F2d%2F3b%2F9c1e8f7a46d5b0c4e6f81a92735d';
export const realm = 'acme.sip.example.com';

/** A body on the wire whose publisher waits for no answer. */
export function announced(event: string, publisher: Publisher, own: JsonObject): JsonObject {
  return {
    'App-Name': publisher.app,
    'App-Version': publisher.version ?? '4.3.142',
    'Event-Category': 'notification',
    'Event-Name': event,
    'Msg-ID': publisher.msgId,
    Node: publisher.node ?? 'kazoo_apps@apps1.example.com',
    ...own,
  };
}

/** A body on the wire whose publisher waits for somebody to say that the notification was taken care of. */
export function requested(event: string, publisher: Publisher, own: JsonObject): JsonObject {
  return {
    ...announced(event, publisher, own),
    'Server-ID': `kazoo_apps@apps1.example.com-targeted-${publisher.msgId.slice(0, 8)}`,
    'System-Log-ID': publisher.msgId.split('').reverse().join(''),
  };
}
