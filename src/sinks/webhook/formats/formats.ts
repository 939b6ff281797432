import { schemaId } from '../../../kazoo/catalogue.ts';
import { anyEventNamed } from '../../../kazoo/relay-events.ts';
import type { Delivery, ShapedEnvelope } from '../../../notification/envelope.ts';
import type { FormatName, WebhookOptions } from '../options.ts';
import { type Content, headerValue, requiredValue } from './content.ts';
import { kazooBody, kazooForm, kazooHeaders } from './kazoo.ts';
import { createTemplate } from './template.ts';

/** Those that can say several notifications at once, as an array. */
export const batchFormats: readonly FormatName[] = ['envelope', 'cloudevents'];

interface Format {
  /** @throws Undeliverable when the notification can't be said in this format */
  one(delivery: Delivery): Content;
  /** Only for those that are among `batchFormats`. */
  several?(batch: readonly Delivery[]): Content;
}

/** @throws Error when the template can't be used */
export function createFormat(options: Pick<WebhookOptions, 'format' | 'fields' | 'template'>): Format {
  const { format, fields, template } = options;
  switch (format) {
    case 'envelope':
      return {
        one: ({ json }) => ({ type: 'application/json', text: json }),
        several: (batch) => ({ type: 'application/json', text: `[${batch.map(({ json }) => json).join(',')}]` }),
      };
    case 'standard':
      return { one: ({ envelope }) => ({ type: 'application/json', text: JSON.stringify(standardPayload(envelope)) }) };
    case 'cloudevents':
      return {
        one: ({ envelope }) => ({
          type: 'application/cloudevents+json; charset=utf-8',
          text: JSON.stringify(cloudEvent(envelope)),
        }),
        several: (batch) => ({
          type: 'application/cloudevents-batch+json; charset=utf-8',
          text: JSON.stringify(batch.map(({ envelope }) => cloudEvent(envelope))),
        }),
      };
    case 'cloudevents-binary':
      return { one: ({ envelope }) => binaryCloudEvent(envelope) };
    case 'kazoo-json':
      return {
        one: (delivery) => ({
          type: 'application/json',
          text: JSON.stringify(kazooBody(delivery, fields)),
          headers: kazooHeaders(delivery.envelope),
        }),
      };
    case 'kazoo-form':
      return {
        one: (delivery) => ({
          type: 'application/x-www-form-urlencoded',
          text: kazooForm(kazooBody(delivery, fields)),
          headers: kazooHeaders(delivery.envelope),
        }),
      };
    case 'template': {
      if (template === undefined) throw new Error('the format "template" needs a template');
      return { one: createTemplate(template, fields) };
    }
  }
}

/** The payload that Standard Webhooks recommends. */
function standardPayload(envelope: ShapedEnvelope): object {
  const { event, data } = envelope;
  return { type: event ?? 'unknown', timestamp: requiredValue(envelope, 'occurred_at'), data };
}

/** A notification as CloudEvents 1.0 says it, in structured mode. */
function cloudEvent(envelope: ShapedEnvelope): object {
  return { ...attributesOf(envelope), datacontenttype: 'application/json', data: envelope.data };
}

/** The same in binary mode: attributes as headers, the data as body. */
function binaryCloudEvent(envelope: ShapedEnvelope): Content {
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
