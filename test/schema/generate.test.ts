import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { commonFields, events } from '../../src/kazoo/catalogue.ts';
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
