import { schemaId } from '../kazoo/catalogue.ts';
import { anyEventNamed } from '../kazoo/relay-events.ts';
import type { ShapedEnvelope } from '../notification/envelope.ts';
import { type Content, headerValue, requiredValue } from './content.ts';

/** A notification as CloudEvents 1.0 says it, in structured mode. */
export function cloudEvent(envelope: ShapedEnvelope): object {
  return { ...attributesOf(envelope), datacontenttype: 'application/json', data: envelope.data };
}

/** The same in binary mode: attributes as headers, the data as body. */
export function binaryCloudEvent(envelope: ShapedEnvelope): Content {
  const attributes = Object.entries(attributesOf(envelope));
  const headers = attributes.map(([name, value]) => [`ce-${name}`, headerValue(String(value))]);
  return {
    type: 'application/json',
    text: JSON.stringify(envelope.data ?? null),
    headers: Object.fromEntries(headers),
  };
}

/** Those of the specification, and two extensions, `valid` and `resendof`. */
function attributesOf(envelope: ShapedEnvelope): Record<string, string | boolean> {
  const { id, event, account_id, valid, resend_of } = envelope;
  return {
    specversion: '1.0',
    id,
    // A URI reference: the phone system's zone is where things happen.
    source: sourceOf(requiredValue(envelope, 'zone')),
    type: `com.2600hz.kazoo.${event ?? 'unknown'}`,
    time: requiredValue(envelope, 'occurred_at'),
    ...(typeof event === 'string' && anyEventNamed(event) !== undefined && { dataschema: schemaId(event) }),
    ...(typeof account_id === 'string' && { subject: account_id }),
    ...(valid !== undefined && { valid }),
    ...(typeof resend_of === 'string' && { resendof: resend_of }),
  };
}

function sourceOf(zone: string): string {
  return `/kazoo/${encodeURIComponent(zone)}`;
}

/**
 * Whether some SDKs read another source in binary mode: what CloudEvents encodes for a header, those of Go, Java, JavaScript
 * and Rust don't decode.
 */
export function isMisreadSource(zone: string): boolean {
  return headerValue(sourceOf(zone)) !== sourceOf(zone);
}
