import type { ShapedEnvelope } from '../sink.ts';
import type { Content } from './content.ts';
import { headerValue } from './header-value.ts';
import { needed } from './needs.ts';

/** A notification as CloudEvents 1.0 says it, in structured mode. */
export function cloudEvent(envelope: ShapedEnvelope): object {
  return { ...attributesOf(envelope), datacontenttype: 'application/json', data: envelope.data };
}

/** The same in binary mode: attributes as headers, the data as body. */
export function binaryCloudEvent(envelope: ShapedEnvelope): Content {
  const headers = Object.entries(attributesOf(envelope)).map(([name, value]) => [`ce-${name}`, headerValue(value)]);
  return {
    type: 'application/json',
    text: JSON.stringify(envelope.data ?? null),
    headers: Object.fromEntries(headers),
  };
}

function attributesOf(envelope: ShapedEnvelope): Record<string, string> {
  const { id, event, account_id } = envelope;
  return {
    specversion: '1.0',
    id,
    // A URI reference: the phone system's zone is where things happen.
    source: `/kazoo/${encodeURIComponent(needed(envelope, 'zone'))}`,
    type: `com.2600hz.kazoo.${event ?? 'unknown'}`,
    time: needed(envelope, 'occurred_at'),
    ...(typeof account_id === 'string' && { subject: account_id }),
  };
}
