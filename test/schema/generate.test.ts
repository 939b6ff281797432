import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { asyncApi } from '../../scripts/schemas/asyncapi.ts';
import { bundle, envelopeSchema } from '../../scripts/schemas/envelope.ts';
import { isObject, type Json, type JsonObject } from '../../src/common/json.ts';
import { commonFields, events } from '../../src/kazoo/catalogue.ts';
import type { EventDefinition } from '../../src/kazoo/event.ts';
import { normalise } from '../../src/kazoo/normalise.ts';
import { relayEvents } from '../../src/kazoo/relay-events.ts';
import { schemaOf, unknownSchema } from '../../src/schema/generate.ts';

const all = [...events, ...relayEvents];
const schemas = [...all.map(schemaOf), unknownSchema()];

describe('the generated schemas', () => {
  test.each(schemas)('$title: compiles in ajv’s strict mode and fits the meta-schema', (schema) => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(ajv.compile(schema)).toBeInstanceOf(Function);
  });

  test('have each an $id of their own', () => {
    expect(new Set(schemas.map((schema) => schema.$id)).size).toBe(all.length + 1);
    expect(schemas[0]?.$id).toBe('urn:kazoo-relay:schema:account_deleted');
  });

  test.each(schemas)('$title: gives every field a type, for generators of code', (schema) => {
    const defs = isObject(schema.$defs) ? schema.$defs : {};
    const hasType = (one: Json | undefined): boolean => {
      if (!isObject(one)) return false;
      if (typeof one.$ref === 'string') return hasType(defs[one.$ref.replace('#/$defs/', '')]);
      return one.type !== undefined || (Array.isArray(one.anyOf) && one.anyOf.every(hasType));
    };
    const { properties } = schema;
    expect(Object.entries(isObject(properties) ? properties : {}).filter(([, one]) => !hasType(one))).toEqual([]);
    const used = new Set(JSON.stringify(properties).match(/(?<=#\/\$defs\/)\w+/g));
    expect(Object.keys(defs).toSorted()).toEqual([...used].toSorted());
    for (const [name, one] of Object.entries(defs)) expect(one).toMatchObject({ title: name });
  });

  test('say by event_name which event it is; where an event has several names, by all of them', () => {
    const [several, one] = [
      all.filter(({ aliases }) => aliases.length > 0),
      all.filter(({ aliases }) => aliases.length === 0),
    ];
    for (const event of one) expect(eventNameOf(event)).toMatchObject({ type: 'string', const: event.name });
    for (const event of several) expect(eventNameOf(event)).toMatchObject({ enum: [event.name, ...event.aliases] });
  });

  test('mark the secrets as write-only', () => {
    for (const event of events) {
      const properties = schemaOf(event).properties as Record<string, { writeOnly?: boolean }>; // generated so
      const marked = Object.keys(properties).filter((name) => properties[name]?.writeOnly === true);
      const secrets = [...event.fields, ...commonFields].filter((field) => field.secret).map((field) => field.name);
      expect(marked.toSorted()).toEqual(secrets.toSorted());
    }
  });

  test('are those in schemas/', () => {
    const script = new URL('../../scripts/write-schemas.ts', import.meta.url).pathname;
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

function eventNameOf(event: EventDefinition): Json | undefined {
  const { properties } = schemaOf(event);
  return isObject(properties) ? properties.event_name : undefined;
}

describe('the bundle', () => {
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    strictRequired: false,
    strictTypes: false,
    validateFormats: false,
  });
  const fits = ajv.compile(bundle());
  const envelope = (event: EventDefinition, data: JsonObject) => ({
    ...{ id: '0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55', event: event.name, category: event.category, account_id: null },
    ...{ zone: 'local', node: null, routing_key: '', resend_of: null, valid: true, problems: [], data },
    ...{ occurred_at: '2026-11-24T10:00:00.000Z', received_at: '2026-11-24T10:00:00.000Z' },
  });

  test.each(all)('takes an envelope of $name, and none whose data are wrong unless it says so', (event) => {
    const whole = envelope(event, normalise(event.example).data);
    expect(fits(whole)).toBe(true);
    const wrong = { ...whole, data: { ...whole.data, msg_id: 1 } };
    expect(fits(wrong)).toBe(false);
    expect(fits({ ...wrong, valid: false })).toBe(true);
    expect(fits({ ...whole, event: 'brand_new', category: null })).toBe(true);
  });

  test('holds each schema under its $id', () => {
    for (const { $id } of schemas) expect(ajv.getSchema(String($id))?.schema).toMatchObject({ $id });
    expect(ajv.getSchema('urn:kazoo-relay:schema:envelope')?.schema).toEqual(envelopeSchema());
  });
});

describe('the AsyncAPI document', () => {
  const document = asyncApi('1.2.3');
  const at = (pointer: string): Json | undefined =>
    pointer
      .split('/')
      .slice(1)
      .reduce<Json | undefined>((part, key) => (isObject(part) ? part[key] : undefined), document);

  test('leads somewhere with each reference', () => {
    const references = new Set(JSON.stringify(document).match(/(?<="\$ref":"#)[^"]+/g));
    expect(references.size).toBeGreaterThan(all.length);
    expect([...references].filter((pointer) => at(pointer) === undefined)).toEqual([]);
  });

  test('has every event among what is sent, and KAZOO’s with their keys on the wire among what is taken', () => {
    const [taken, sent, published] = ['notifications', 'webhook', 'bus'].map((name) =>
      Object.keys(at(`/channels/${name}/messages`) ?? {}),
    );
    expect(taken).toEqual(events.map(({ name }) => name));
    expect(sent).toEqual([...all.map(({ name }) => name), 'unknown']);
    expect(published).toEqual(sent);
    expect(at('/channels/bus/address')).toBe('kazoo.{category}.{event}');
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'urn:kazoo-relay:asyncapi', ...document });
    for (const { name, example } of events) {
      const fits = ajv.getSchema(`urn:kazoo-relay:asyncapi#/components/schemas/${name}_published`);
      expect([example, normalise(example).data].map((body) => fits?.(body))).toEqual([true, false]);
    }
  });
});
