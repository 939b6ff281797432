import type { Envelope } from '../sink.ts';
import type { Content } from './formats.ts';
import { headerValue } from './header-value.ts';

/** A notification as CloudEvents 1.0 says it, in structured mode. */
export function cloudEvent(envelope: Envelope): object {
  return { ...attributesOf(envelope), datacontenttype: 'application/json', data: envelope.data };
}

/** The same in binary mode: attributes as headers, the data as body. */
export function binaryCloudEvent(envelope: Envelope): Content {
  const headers = Object.entries(attributesOf(envelope)).map(([name, value]) => [`ce-${name}`, headerValue(value)]);
  return { type: 'application/json', text: JSON.stringify(envelope.data), headers: Object.fromEntries(headers) };
}

function attributesOf({ id, event, account_id, zone, occurred_at }: Envelope): Record<string, string> {
  return {
    specversion: '1.0',
    id,
    // A URI reference: the phone system's zone is where things happen.
    source: `/kazoo/${encodeURIComponent(zone)}`,
    type: `com.2600hz.kazoo.${event ?? 'unknown'}`,
    time: occurred_at,
    ...(account_id !== null && { subject: account_id }),
  };
}
