import type { JsonObject } from '../common/json.ts';
import type { Problem, Secret } from '../kazoo/notification.ts';

/** One notification, shaped for one route. */
export interface Delivery {
  readonly id: string;
  readonly event: string | null;
  readonly envelope: ShapedEnvelope;
  /** The envelope as JSON text on one line, without a line end. It begins with the id. */
  readonly json: string;
  /** The body's JSON text before the route has shaped it, its numbers as KAZOO wrote them; `null` where there is none. */
  readonly body: string;
  /** The secrets that the route reveals in it: no reason may quote them. */
  readonly secrets: readonly Secret[];
  /**
   * True where an attempt whose end nobody knows, such as one before a crash, may have delivered it. A sink that can look
   * leaves out what is there. What an operator has asked for anew is no such one: it is to be there twice.
   */
  readonly mayRepeat: boolean;
}

/** What a sink gets of a notification. Keys are stable; times are RFC 3339 in UTC with milliseconds. */
export interface Envelope {
  readonly id: string;
  readonly event: string | null;
  readonly category: string | null;
  readonly account_id: string | null;
  readonly zone: string;
  readonly node: string | null;
  readonly occurred_at: string;
  readonly received_at: string;
  readonly routing_key: string;
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  readonly resend_of: string | null;
  readonly data: JsonObject | null;
}

/** In the order in which they stand in an envelope. */
export const envelopeKeys = [
  'id',
  'event',
  'category',
  'account_id',
  'zone',
  'node',
  'occurred_at',
  'received_at',
  'routing_key',
  'valid',
  'problems',
  'resend_of',
  'data',
] as const satisfies readonly (keyof Envelope)[];

export type EnvelopeKey = Exclude<keyof Envelope, 'id'>;

/**
 * What a route leaves of an envelope: the id, what the sink has said that it needs, and any other key only if the route
 * doesn't omit it. Keys that the route has set may stand beside them.
 */
export type ShapedEnvelope = Pick<Envelope, 'id'> & { readonly [Key in EnvelopeKey]?: Envelope[Key] | undefined };
