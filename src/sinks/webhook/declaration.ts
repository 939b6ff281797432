import { reasonOf } from '../../common/errors.ts';
import type { OptionIssue } from '../../common/options/declare.ts';
import { anyCase, orReference, when, whenSchema } from '../../common/options/value-checks.ts';
import type { Delivery, EnvelopeKey } from '../../notification/envelope.ts';
import type { SinkDeclaration } from '../sink.ts';
import { templatePaths } from '../template/template.ts';
import { createAddress } from './address.ts';
import { batchFormats, createFormat } from './formats/formats.ts';
import { rateLimitOf } from './formats/presets.ts';
import { type FormatName, formatNames, type WebhookOptions, webhookOptions } from './options.ts';
import { fieldFormats, headerName, ownHeaders, rules, warnings } from './validate.ts';

/** What of `rules` JSON Schema can say. */
const schemaRules: readonly object[] = [
  when({ format: { const: 'template' } }, { required: ['template'] }),
  unlessFormat(['template'], { not: { required: ['template'] } }),
  unlessFormat(fieldFormats, { anyOf: [{ required: ['preset'] }, { properties: { fields: { maxProperties: 0 } } }] }),
  whenSchema({ required: ['preset'] }, batchOfOne()),
  whenSchema({ required: ['link'] }, { required: ['preset'] }),
  unlessFormat(batchFormats, batchOfOne()),
  when({ url: { pattern: '\\{', not: { pattern: '\\$\\{' } } }, batchOfOne()),
  when(
    { method: { const: 'GET' } },
    {
      required: ['format'],
      properties: {
        format: orReference({ const: 'kazoo-form' }),
        signature: { properties: { secrets: { maxItems: 0 } } },
      },
    },
  ),
  { properties: { auth: { maxProperties: 1 }, headers: headers() } },
  when({ auth: { minProperties: 1 } }, { properties: { headers: { propertyNames: noneOf(['authorization']) } } }),
  when(
    { allowPrivateNetworks: { enum: [false, 'false'] } },
    { properties: { proxy: orReference({ enum: ['environment', 'none'] }) } },
  ),
];

export const webhookDeclaration: SinkDeclaration<WebhookOptions> = {
  type: 'webhook',
  summary: 'an HTTP request for each notification, in the format that the receiver wants',
  options: webhookOptions,
  isLocal: () => false,
  limits: (options) => ({
    batch: options.batch,
    concurrency: Math.min(options.concurrency, usefulAt(rateLimitOf(options))),
  }),
  rules,
  schemaRules,
  warnings,
  requiredKeys,
  paths: ({ template }) =>
    template === undefined ? [] : templatePaths(template, 'fields').map((path) => ({ at: ['template', 'body'], path })),
  rehearse,
  // A placeholder has one value for each notification.
  digests: ({ preset, url }) => preset !== undefined && createAddress(url).placeholders.length === 0,
};

/** Makes the request that a delivery would become, up to its body and URL. */
function rehearse(options: WebhookOptions): ((delivery: Delivery) => OptionIssue | undefined) | undefined {
  // All else is said in every notification.
  if (options.template === undefined && !options.url.includes('{')) return undefined;
  const format = createFormat(options);
  const address = createAddress(options.url);
  return (delivery) => {
    try {
      format.one(delivery);
    } catch (error) {
      return { path: options.template === undefined ? ['format'] : ['template', 'body'], message: reasonOf(error) };
    }
    try {
      address.pathFor(delivery);
      return undefined;
    } catch (error) {
      return { path: ['url'], message: reasonOf(error) };
    }
  };
}

/** More requests at a time than this would only wait for their turn, and be late. */
function usefulAt(limit: WebhookOptions['rateLimit']): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.ceil((limit.requests * 5_000) / limit.per));
}

/** The keys that a request needs: those of its format, and those in the URL. */
function requiredKeys({ format, url }: WebhookOptions): readonly EnvelopeKey[] {
  const inUrl = createAddress(url).placeholders.filter((name) => name !== 'id');
  return [...(requiredByFormat[format] ?? []), ...inUrl];
}

const cloudEvents: readonly EnvelopeKey[] = ['event', 'zone', 'occurred_at'];

const requiredByFormat: Partial<Record<FormatName, readonly EnvelopeKey[]>> = {
  standard: ['event', 'occurred_at'],
  cloudevents: cloudEvents,
  'cloudevents-binary': cloudEvents,
  'kazoo-json': ['data'],
  'kazoo-form': ['data'],
};

function unlessFormat(formats: readonly FormatName[], then: object): object {
  const others = formatNames.filter((name) => !formats.includes(name));
  const isOther = { properties: { format: { enum: others } } };
  // Left out, it is the first one.
  const [usual] = formatNames;
  return whenSchema(others.includes(usual) ? isOther : { ...isOther, required: ['format'] }, then);
}

function batchOfOne(): object {
  const one = { anyOf: [{ const: 1 }, { type: 'string', pattern: '^0*1$' }] };
  return { properties: { batch: { properties: { max: orReference(one) } } } };
}

function headers(): object {
  return {
    propertyNames: { allOf: [{ pattern: headerName.source }, noneOf([...ownHeaders])] },
    additionalProperties: orReference({ pattern: '^[\\x20-\\x7e]*$' }),
  };
}

function noneOf(names: readonly string[]): object {
  return { not: { pattern: `^(${anyCase(names.join('|'))})$` } };
}
