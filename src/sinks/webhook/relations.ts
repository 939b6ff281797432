import { anyCase, orReference, when, whenSchema } from '../../common/options/json-schema.ts';
import { batchFormats } from './formats.ts';
import { fieldFormats, headerName, ownHeaders } from './mistakes.ts';
import { type FormatName, formatNames } from './options.ts';

/** What `mistakes.ts` says, as far as JSON Schema can. */
export const relations: readonly object[] = [
  when({ format: { const: 'template' } }, { required: ['template'] }),
  unlessFormat(['template'], { not: { required: ['template'] } }),
  unlessFormat(fieldFormats, { properties: { fields: { maxProperties: 0 } } }),
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
