import { jsonString } from '../common/text/format.ts';

/**
 * The facts about a notification once it is decoded. It never changes, and is passed by reference up to the envelope.
 * It is a class because of V8's garbage collection: for an object literal, V8 learns how long its objects live. During
 * the start it collects every few messages, which a batch outlives; so it would allocate all later ones in the old
 * generation, where even dead objects keep alive what they refer to.
 *
 * To add a field to the envelope, declare it in this file (in the class, and where the compiler or a test then reports
 * it missing), set it in kazoo/decode.ts, and add its column to the journal's view by a migration.
 */
export class Header {
  /**
   * UUID version 8: the AMQP timestamp in milliseconds, then a hash of the raw body, and of the `message_id` where the
   * message has one. A redelivery has the same.
   */
  readonly id: string;
  /** The catalogue's name (never an alias), the name as sent where the catalogue doesn't know it, or null. */
  readonly event: string | null;
  /** True where the catalogue has `event`. */
  readonly known: boolean;
  readonly category: string | null;
  readonly accountId: string | null;
  readonly zone: string;
  readonly node: string | null;
  /** Unix milliseconds, as `receivedAt`. */
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly routingKey: string;
  /** True for KAZOO's e-mail template previews, which are no events. */
  readonly preview: boolean;

  constructor(fields: Header) {
    this.id = fields.id;
    this.event = fields.event;
    this.known = fields.known;
    this.category = fields.category;
    this.accountId = fields.accountId;
    this.zone = fields.zone;
    this.node = fields.node;
    this.occurredAt = fields.occurredAt;
    this.receivedAt = fields.receivedAt;
    this.routingKey = fields.routingKey;
    this.preview = fields.preview;
  }
}

/** Its part of the envelope, under the envelope's names. */
export function envelopeHeader(header: Header) {
  return {
    id: header.id,
    event: header.event,
    category: header.category,
    account_id: header.accountId,
    zone: header.zone,
    node: header.node,
    occurred_at: occurredAt(header.occurredAt),
    received_at: receivedAt(header.receivedAt),
    routing_key: header.routingKey,
  } satisfies Record<string, string | null>;
}

export type EnvelopeHeader = Readonly<ReturnType<typeof envelopeHeader>>;

/** In the envelope's order. */
export const headerKeys = [
  'id',
  'event',
  'category',
  'account_id',
  'zone',
  'node',
  'occurred_at',
  'received_at',
  'routing_key',
] as const satisfies readonly (keyof EnvelopeHeader)[];

/** The same as JSON text, without the braces. Ids are our own: they need no escapes. */
export function envelopeHeaderJson(header: Header): string {
  const { id, event, category, accountId, zone, node, routingKey } = header;
  return (
    `"id":"${id}","event":${jsonString(event)},"category":${jsonString(category)},"account_id":${jsonString(accountId)},` +
    `"zone":${jsonString(zone)},"node":${jsonString(node)},"occurred_at":"${occurredAt(header.occurredAt)}",` +
    `"received_at":"${receivedAt(header.receivedAt)}","routing_key":${jsonString(routingKey)}`
  );
}

const occurredAt = rfc3339Writer();
const receivedAt = rfc3339Writer();

/**
 * The part of a header that a store keeps in one JSON array, beside columns for `id` and the times: most values recur,
 * and are quoted once. A place is never reused; new ones are appended.
 * @param others the values at the places 8 to 11, which aren't the header's, as JSON text with commas
 */
export function headJson(header: Header, others: string): string {
  const { event, known, category, accountId, zone, node, routingKey, preview } = header;
  return (
    `[${jsonString(event)},${known},${jsonString(category)},${jsonString(accountId)},${jsonString(zone)},` +
    `${jsonString(node)},${jsonString(routingKey)},${preview},${others}]`
  );
}

/** How many places there are now. */
export const headLength = 12;

type Head = readonly [
  event: string | null,
  known: boolean,
  category: string | null,
  accountId: string | null,
  zone: string,
  node: string | null,
  routingKey: string,
  preview: boolean,
  ...others: unknown[],
];

/** @param head what `headJson` wrote, now or before there were later places */
export function headerIn(head: readonly unknown[], id: string, occurredAt: number, receivedAt: number): Header {
  const [event, known, category, accountId, zone, node, routingKey, preview] = head as Head; // as it was written
  return new Header({
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
  });
}

/**
 * Writes Unix milliseconds as RFC 3339 in UTC. Times that come in their order cost a fourth of `toISOString`: the
 * second is written once for all that fall into it.
 */
function rfc3339Writer(): (milliseconds: number) => string {
  let second = Number.NaN;
  let text = '';
  return (milliseconds) => {
    const ofSecond = milliseconds - Math.floor(milliseconds / 1000) * 1000;
    if (milliseconds - ofSecond !== second) {
      second = milliseconds - ofSecond;
      text = new Date(second).toISOString().slice(0, -4);
    }
    return `${text}${ofSecond < 10 ? '00' : ofSecond < 100 ? '0' : ''}${ofSecond}Z`;
  };
}
