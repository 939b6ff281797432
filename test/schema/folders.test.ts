import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../src/common/json.ts';
import { eventNamed, schemaId } from '../../src/kazoo/catalogue.ts';
import { normalise } from '../../src/kazoo/normalise.ts';
import { SchemaError } from '../../src/schema/files.ts';
import { createValidator } from '../../src/schema/validator.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'schemas-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('an operator’s folder', () => {
  const lowBalance = normalise(eventNamed('low_balance')?.example ?? {}).data;

  test('replaces the schema of an event', () => {
    write('low_balance.json', { required: ['tenant'] });
    const { validate } = createValidator([folder]);
    expect(validate('low_balance', {})).toEqual([{ path: '/tenant', keyword: 'required', message: 'is required' }]);
    expect(validate('low_balance', { tenant: 1 })).toEqual([]);
  });

  test('can ask for more than the built-in schema does', () => {
    write('low_balance.json', { allOf: [{ $ref: schemaId('low_balance') }, { required: ['tenant'] }] });
    const { validate } = createValidator([folder]);
    expect(validate('low_balance', { ...lowBalance, tenant: 1 })).toEqual([]);
    expect(validate('low_balance', lowBalance)).toMatchObject([{ path: '/tenant' }]);
    const { current_balance: _removed, ...rest } = lowBalance;
    expect(validate('low_balance', { ...rest, tenant: 1 })).toMatchObject([{ path: '/current_balance' }]);
  });

  test('can hold a changed copy of a built-in schema, $id and all', () => {
    write('low_balance.json', { $id: schemaId('low_balance'), required: ['tenant'] });
    write('topup.json', { $ref: schemaId('low_balance') });
    const { validate } = createValidator([folder]);
    expect(validate('low_balance', {})).toMatchObject([{ path: '/tenant' }]);
    expect(validate('topup', {})).toMatchObject([{ path: '/tenant' }]);
  });

  test('knows an event by its alias too', () => {
    write('top_up.json', { required: ['tenant'] });
    expect(createValidator([folder]).validate('topup', {})).toMatchObject([{ path: '/tenant' }]);
  });

  test('can have schemas for events that the catalogue doesn’t know, one by one or all together', () => {
    write('brand_new.json', { required: ['tenant'] });
    write('unknown.json', { required: ['owner'] });
    const { validate } = createValidator([folder]);
    expect(validate('brand_new', {})).toMatchObject([{ path: '/tenant' }]);
    expect(validate('another', {})).toMatchObject([{ path: '/owner' }]);
    expect(validate(null, {})).toMatchObject([{ path: '/owner' }]);
  });

  test.each([
    ['by $id', 'urn:example:parts#/$defs/tenant', 'urn:example:parts'],
    ['by file name', 'parts.json#/$defs/tenant', undefined],
  ])('can have files that refer to each other %s', (_how, $ref, $id) => {
    write('parts.json', { ...($id && { $id }), $defs: { tenant: { properties: { tenant: { type: 'string' } } } } });
    write('low_balance.json', { $ref });
    expect(createValidator([folder]).validate('low_balance', { tenant: 1 })).toMatchObject([{ path: '/tenant' }]);
  });

  test('adds the fields that its schemas name to those that the catalogue has', () => {
    write('parts.json', { properties: { tenant: true } });
    write('low_balance.json', {
      properties: { owner: { properties: { inner: true } } },
      allOf: [{ $ref: 'parts.json' }, { if: { properties: { plan: { const: 1 } } } }],
      items: { properties: { item: true } },
    });
    write('brand_new.json', { properties: { tenant: true } });
    const { unknownFields } = createValidator([folder]);
    const data = { ...lowBalance, owner: 1, tenant: 1, plan: 1, inner: 1, item: 1 };
    expect(unknownFields('low_balance', data)).toEqual(['/inner', '/item']);
    expect(unknownFields('brand_new', { event_name: 'brand_new', tenant: 1, owner: 1 })).toEqual(['/owner']);
  });

  test('gives way to the folders after it', () => {
    const later = join(folder, 'later');
    mkdirSync(later);
    write('low_balance.json', { $id: 'urn:example:low', required: ['tenant'] });
    write('later/low_balance.json', { $id: 'urn:example:low', required: ['owner'] });
    expect(createValidator([folder, later]).validate('low_balance', {})).toMatchObject([{ path: '/owner' }]);
  });

  test('may use formats and keywords that nobody knows', () => {
    write('low_balance.json', { 'x-team': 'billing', properties: { tenant: { format: 'x-tenant' } } });
    expect(createValidator([folder]).validate('low_balance', { tenant: '?' })).toEqual([]);
  });

  test('has its unions, dependencies and closed objects explained, without the values', () => {
    write('low_balance.json', {
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
      dependentRequired: { c: ['d'] },
      properties: { a: true, b: true, c: true, 'e/f': false, g: { anyOf: [{ type: 'string' }, { enum: [1, 2] }] } },
      additionalProperties: false,
    });
    const problems = createValidator([folder]).validate('low_balance', { c: 1, 'e/f': 1, g: 7, 'h~i': 1 });
    expect(problems.map(({ path, message }) => `${path} ${message}`).sort()).toEqual([
      ' must match exactly one schema in oneOf',
      '/d is required when c is there',
      '/e~1f is not allowed',
      '/g must be string or must be one of 1, 2',
      '/h~0i is not allowed',
    ]);
  });

  test('has long paths and messages cut', () => {
    const key = `${'k'.repeat(254)}😀`;
    write('low_balance.json', { properties: { a: { const: 'v'.repeat(300) } }, additionalProperties: false });
    const problems = createValidator([folder]).validate('low_balance', { a: 1, [key]: 1 });
    for (const { path, message } of problems) {
      expect(path.length).toBeLessThanOrEqual(256);
      expect(message.length).toBeLessThanOrEqual(256);
      expect(path.isWellFormed()).toBe(true);
    }
    expect(problems).toHaveLength(2);
  });

  test('may hold hidden and other files', () => {
    writeFileSync(join(folder, '.low_balance.json'), '{');
    writeFileSync(join(folder, 'README.md'), '{');
    expect(createValidator([folder]).validate('low_balance', lowBalance)).toEqual([]);
  });

  test('says so of a notification whose schema turns out to have no end', () => {
    write('brand_new.json', '{"if": {"required": ["again"]}, "then": {"$ref": "#"}}');
    const { validate } = createValidator([folder]);
    expect(validate('brand_new', {})).toEqual([]);
    expect(validate('brand_new', { again: 1 })).toMatchObject([
      { path: '', keyword: '$ref', message: expect.stringContaining('without end') },
    ]);
  });
});

describe('starting is refused', () => {
  test.each<[string, string | Json, RegExp]>([
    ['that isn’t JSON', '{\n  "type": ,\n}', /it is not JSON: Unexpected token ','/],
    ['that ends too early', '{', /it is not JSON: .*position 1/],
    ['that is no object', ['x'], /it must hold a JSON object/],
    [
      'of an older draft',
      { $schema: 'http://json-schema.org/draft-07/schema#' },
      /its \$schema is ".*draft-07.*"; only "https:.*2020-12\/schema" is supported/,
    ],
    [
      'with an unknown type',
      { properties: { a: { type: 'text' } } },
      /\/properties\/a\/type must be one of .*"string"/,
    ],
    ['with a wrong keyword value', { required: 'a' }, /\/required must be array/],
    ['with a wrong $id', { $id: 7 }, /\/\$id must be string/],
    ['with a reference to nothing', { $ref: 'urn:example:nothing' }, /can't resolve reference urn:example:nothing/],
    [
      'with a regular expression that is none',
      { properties: { a: { pattern: '(' } } },
      /Invalid regular expression: \/\(\//,
    ],
    ['that is asynchronous', { $async: true }, /"\$async" is not supported/],
    ['that refers to itself without end', { allOf: [{ $ref: '#' }] }, /refers to itself without end/],
    [
      'with the $id of another event’s schema',
      { $id: schemaId('topup') },
      /\$id is that of the built-in schema of topup: only topup\.json may take it/,
    ],
  ])('for a file %s', (_what, content, message) => {
    write('low_balance.json', content);
    expect(refusal([folder])).toMatch(
      new RegExp(`^schema ${join(folder, 'low_balance.json')}: .*${message.source}`, 's'),
    );
  });

  test('for a file that can’t be read', () => {
    mkdirSync(join(folder, 'low_balance.json'));
    expect(refusal([folder])).toMatch(/low_balance\.json: it can't be read: it is a directory$/);
    execFileSync('mkfifo', [join(folder, 'a.json')]);
    expect(refusal([folder])).toMatch(/a\.json: it can't be read: it is a pipe, not a file$/);
  });

  test('for a folder that can’t be read', () => {
    const missing = join(folder, 'missing');
    expect(refusal([missing])).toMatch(`schema ${missing}: the folder can't be read: there is no such folder`);
  });

  test('for two files of one folder for the same event', () => {
    write('topup.json', {});
    write('top_up.json', {});
    expect(refusal([folder])).toMatch(/topup\.json: .*top_up\.json is for the same event/);
  });

  test('for two files with the same $id', () => {
    write('a.json', { $id: 'urn:example:same' });
    write('b.json', { $id: 'urn:example:same' });
    expect(refusal([folder])).toMatch(/b\.json: its \$id is that of .*a\.json too/);
  });
});

function write(name: string, content: string | Json | JsonObject): void {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
}

function refusal(folders: readonly string[]): string {
  try {
    createValidator(folders);
  } catch (error) {
    expect(error).toBeInstanceOf(SchemaError);
    if (error instanceof SchemaError) return error.message;
  }
  throw new Error('the folder was accepted');
}
