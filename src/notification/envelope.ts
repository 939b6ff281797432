import type { JsonObject } from '../common/json.ts';
import type { Entry } from './entry.ts';
import { type EnvelopeHeader, envelopeHeader, envelopeHeaderJson, type Header, headerKeys } from './header.ts';
import type { Problem, Secret } from './notification.ts';

/** One notification, shaped for one route. */
export interface Delivery {
  readonly header: Header;
  readonly envelope: ShapedEnvelope;
  /** The envelope as JSON text on one line, without a line end. It begins with the id. */
  readonly json: string;
  /** The same without its braces, for what a sink puts beside it. */
  readonly members: string;
  /** The body's JSON text before the route has shaped it, its numbers as KAZOO wrote them; `null` where there is none. */
  readonly body: string;
  /** The secrets that the route reveals in it: no reason may quote them. */
  readonly secrets: readonly Secret[];
  /**
   * True if an earlier attempt without a known result, such as one before a crash, may have delivered it. A sink that
   * can look it up then omits it. False for what an operator asked for again: that is meant to be delivered twice.
   */
  readonly mayRepeat: boolean;
}

/** What a sink gets of a notification. Keys are stable; times are RFC 3339 in UTC with milliseconds. */
export interface Envelope extends EnvelopeHeader {
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  readonly resend_of: string | null;
  readonly data: JsonObject | null;
}

/**
 * What a route leaves of an envelope: the id, what the sink has said that it needs, and any other key only if the route
 * doesn't omit it. Keys that the route has set may stand beside them.
 */
export type ShapedEnvelope = Pick<Envelope, 'id'> & { readonly [Key in EnvelopeKey]?: Envelope[Key] | undefined };

export type EnvelopeKey = Exclude<keyof Envelope, 'id'>;

/** In the order in which they stand in an envelope. */
export const envelopeKeys: readonly (keyof Envelope)[] = [
  ...headerKeys,
  ...(['valid', 'problems', 'resend_of', 'data'] as const),
];

/** The envelope of an entry: with its secrets replaced, unless another body is given. */
export function envelopeOf(entry: Entry, data = entry.data): Envelope {
  const { header, state, problems, resendOf } = entry;
  return { ...envelopeHeader(header), valid: state === 'valid', problems, resend_of: resendOf, data };
}

/** The envelope's JSON text without braces, made without the envelope; the body's goes through as the journal has it. */
export function envelopeMembers({ header, state, problems, resendOf, json }: Entry): string {
  const original = resendOf === null ? 'null' : `"${resendOf}"`;
  return (
    `${envelopeHeaderJson(header)},"valid":${state === 'valid'},` +
    `"problems":${problems.length === 0 ? '[]' : JSON.stringify(problems)},"resend_of":${original},"data":${json}`
  );
}
