import type { EnvelopeKey, ShapedEnvelope } from '../../notification/envelope.ts';
import { createAddress } from './address.ts';
import type { FormatName, WebhookOptions } from './options.ts';
import { Undeliverable } from './undeliverable.ts';

/** What can't be said without: what the format has a place for, and what stands in the URL. */
export function needsOf({ format, url }: WebhookOptions): readonly EnvelopeKey[] {
  const inUrl = createAddress(url).placeholders.filter((name) => name !== 'id');
  return [...(neededBy[format] ?? []), ...inUrl];
}

const cloudEvents: readonly EnvelopeKey[] = ['event', 'zone', 'occurred_at'];

const neededBy: Partial<Record<FormatName, readonly EnvelopeKey[]>> = {
  standard: ['event', 'occurred_at'],
  cloudevents: cloudEvents,
  'cloudevents-binary': cloudEvents,
  'kazoo-json': ['data'],
  'kazoo-form': ['data'],
};

/** @throws Undeliverable where the route has omitted it, which a checked configuration doesn't do */
export function needed<Key extends EnvelopeKey>(envelope: ShapedEnvelope, key: Key): NonNullable<ShapedEnvelope[Key]> {
  const value = envelope[key];
  if (value === undefined || value === null) throw new Undeliverable(`the route omits ${key}, which this format needs`);
  return value;
}
