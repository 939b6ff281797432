import type { EnvelopeKey, ShapedEnvelope } from '../notification/envelope.ts';

/** What a request carries. */
export interface Content {
  readonly type: string;
  readonly text: string;
  /** Headers beside `content-type`, with values that are fit for one. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A text as the value of a header: percent-encoded where it isn't printable ASCII, as CloudEvents does it, so that it
 * can neither end the header nor mean another text.
 */
export function headerValue(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]|["%]/gu, encodeURIComponent);
}

/** No request can be made of this notification, now or later; the message is the reason. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}

/** @throws Undeliverable where the route has omitted it, which a checked configuration doesn't do */
export function requiredValue<Key extends EnvelopeKey>(
  envelope: ShapedEnvelope,
  key: Key,
): NonNullable<ShapedEnvelope[Key]> {
  const value = envelope[key];
  if (value === undefined || value === null) throw new Undeliverable(`the route omits ${key}, which this format needs`);
  return value;
}
