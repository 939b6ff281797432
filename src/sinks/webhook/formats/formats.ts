import type { Delivery, ShapedEnvelope } from '../../../notification/envelope.ts';
import { binaryCloudEvent, cloudEvent } from '../../cloudevents.ts';
import { type Content, requiredValue } from '../../content.ts';
import { createTemplate } from '../../template/template.ts';
import type { FormatName, WebhookOptions } from '../options.ts';
import { kazooBody, kazooForm, kazooHeaders } from './kazoo.ts';
import { presetFormat } from './presets.ts';

/** Those that can say several notifications at once, as an array. */
export const batchFormats: readonly FormatName[] = ['envelope', 'cloudevents'];

interface Format {
  /** @throws Undeliverable when the notification can't be said in this format */
  one(delivery: Delivery): Content;
  /** Only for those that are among `batchFormats`, and presets: as a digest. */
  several?(batch: readonly Delivery[]): Content;
}

/** @throws Error when the template can't be used */
export function createFormat(
  options: Pick<WebhookOptions, 'format' | 'fields' | 'template' | 'preset' | 'link'>,
): Format {
  const { format, fields, template, preset, link } = options;
  if (preset !== undefined) return presetFormat(preset, fields, link);
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
      return { one: createTemplate(template, () => ({ fields })) };
    }
  }
}

/** The payload that Standard Webhooks recommends. */
function standardPayload(envelope: ShapedEnvelope): object {
  const { event, data } = envelope;
  return { type: event ?? 'unknown', timestamp: requiredValue(envelope, 'occurred_at'), data };
}
