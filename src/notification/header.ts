import { jsonString } from '../common/text/format.ts';

/**
 * What is known of a notification once it is decoded. It never changes: it goes by reference from there to the envelope.
 * A class, because it lives as long as a batch, or longer: V8 learns of a literal how long its objects live. At the start,
 * when it collects garbage every few messages, those of a batch all outlive that; and it would make them among the old
 * ones from then on, where even the dead keep alive what they refer to.
 *
 * Whoever adds a field declares it here (in the class and in `headerFields`), makes it in kazoo/decode.ts, and gives the
 * journal's view a column by a migration. What reads, writes and selects follows from here.
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

/** `key` is its name in the envelope; null where it isn't in it. */
export type HeaderField = { readonly name: keyof Header; readonly key: string | null } & Value;

/**
 * An id needs no escapes in JSON, and never comes again; a time is RFC 3339 in the envelope. Each field has a function of
 * its own: of `header[name]`, at one place for all, V8 would look up the name each time.
 */
type Value =
  | { readonly kind: 'id' | 'text'; readonly of: (header: Header) => string }
  | { readonly kind: 'text or null'; readonly of: (header: Header) => string | null }
  | { readonly kind: 'time'; readonly of: (header: Header) => number }
  | { readonly kind: 'flag'; readonly of: (header: Header) => boolean };

/**
 * In the order of the envelope and of what the journal keeps. A new one comes last, and may be null, as it is in what
 * was journalled before.
 */
export const headerFields = [
  { name: 'id', key: 'id', kind: 'id', of: ({ id }) => id },
  { name: 'event', key: 'event', kind: 'text or null', of: ({ event }) => event },
  { name: 'known', key: null, kind: 'flag', of: ({ known }) => known },
  { name: 'category', key: 'category', kind: 'text or null', of: ({ category }) => category },
  { name: 'accountId', key: 'account_id', kind: 'text or null', of: ({ accountId }) => accountId },
  { name: 'zone', key: 'zone', kind: 'text', of: ({ zone }) => zone },
  { name: 'node', key: 'node', kind: 'text or null', of: ({ node }) => node },
  { name: 'occurredAt', key: 'occurred_at', kind: 'time', of: ({ occurredAt }) => occurredAt },
  { name: 'receivedAt', key: 'received_at', kind: 'time', of: ({ receivedAt }) => receivedAt },
  { name: 'routingKey', key: 'routing_key', kind: 'text', of: ({ routingKey }) => routingKey },
  { name: 'preview', key: null, kind: 'flag', of: ({ preview }) => preview },
] as const satisfies readonly HeaderField[];

/** What gives a field its value in the envelope. */
export function fieldReader(field: HeaderField): (header: Header) => string | boolean | null {
  if (field.kind !== 'time') return field.of;
  const rfc3339 = rfc3339Writer();
  return (header) => rfc3339(field.of(header));
}

/** The same as JSON text. */
export function fieldWriter(field: HeaderField): (header: Header) => string {
  switch (field.kind) {
    case 'id':
      return (header) => `"${field.of(header)}"`;
    case 'time': {
      const rfc3339 = rfc3339Writer();
      return (header) => `"${rfc3339(field.of(header))}"`;
    }
    case 'flag':
      return (header) => String(field.of(header));
    default:
      return (header) => jsonString(field.of(header));
  }
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
