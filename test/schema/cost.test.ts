import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../../src/common/json.ts';
import { eventNamed, schemaId } from '../../src/kazoo/catalogue.ts';
import { normalise } from '../../src/kazoo/normalise.ts';
import { createValidator } from '../../src/schema/validator.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'schemas-'));
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

describe('a schema that could cost more than time in proportion to a body is refused with its place:', () => {
  const tree = (schema: JsonObject) => ({ $defs: { tree: schema }, properties: { tree: { $ref: '#/$defs/tree' } } });
  const back = { $ref: '#/$defs/tree' };
  test.each<[string, JsonObject, string]>([
    ['uniqueItems on anything', { properties: { a: { uniqueItems: true } } }, '/properties/a/uniqueItems compares'],
    ['uniqueItems on objects', { items: { type: 'object' }, uniqueItems: true }, '/uniqueItems compares'],
    ['uniqueItems on a type among which are arrays', { items: { type: ['string', 'array'] }, uniqueItems: true }, ''],
    ['uniqueItems on too many', { uniqueItems: true, maxItems: 1_001 }, '/uniqueItems compares'],
    ['uniqueItems in $defs', { $defs: { a: { uniqueItems: true } } }, '/$defs/a/uniqueItems'],
    [
      'a pattern that looks ahead',
      { properties: { 'a/b': { pattern: '(?=a)' } } },
      '/properties/a~1b/pattern has "(?=a)"',
    ],
    [
      'a pattern that refers back',
      { pattern: '(a)\\1' },
      '/pattern has "(a)\\\\1": the pattern refers back to a group',
    ],
    ['a pattern that refers back by name', { pattern: '(?<x>a)\\k<x>' }, '/pattern has'],
    [
      'a pattern that repeats too often',
      { pattern: 'a{5000}' },
      '/pattern has "a{5000}": the pattern is not a regular',
    ],
    ['a pattern for names', { patternProperties: { '(?!a)': true } }, '/patternProperties has "(?!a)"'],
    [
      'a schema that tries itself',
      tree({ anyOf: [{ type: 'string' }, { items: back }] }),
      '/$defs/tree/anyOf/1 leads back',
    ],
    ['one that tries itself as a choice', tree({ oneOf: [{ items: back }] }), '/$defs/tree/oneOf/0 leads back'],
    ['one that denies itself', tree({ not: { properties: { a: back } } }), '/$defs/tree/not leads back'],
    ['one that asks for itself', tree({ if: { items: back } }), '/$defs/tree/if leads back'],
    ['one that tries itself at once', { anyOf: [{ $ref: '#' }] }, '/anyOf/0 leads back'],
    [
      'one that tries itself by an anchor',
      { $anchor: 'me', anyOf: [{ items: { $ref: '#me' } }] },
      '/anyOf/0 leads back',
    ],
    [
      'one that refers dynamically',
      { $dynamicAnchor: 'me', items: { $dynamicRef: '#me' } },
      '/items/$dynamicRef is not',
    ],
    ['one that refers as draft 2019-09 did', { items: { $recursiveRef: '#' } }, '/items/$recursiveRef is not'],
    [
      'one that tries itself by its $id and a pointer',
      { $id: 'urn:example:a', properties: { b: { anyOf: [{ items: { $ref: 'urn:example:a#/properties/b' } }] } } },
      '/properties/b/anyOf/0 leads back',
    ],
    [
      'one that applies itself twice to one value',
      tree({ allOf: [{ items: back }, { items: back }] }),
      '/$defs/tree/allOf/0 and /allOf/1 beside it both lead to a schema that refers to itself',
    ],
    [
      'one that applies itself by a name and a pattern',
      tree({ properties: { a: back }, patternProperties: { a: back } }),
      '',
    ],
    [
      'one that applies itself to items, and to those it contains',
      tree({ items: back, contains: back }),
      '/$defs/tree/contains',
    ],
    [
      'one that has another go through all below it, at each level',
      { $defs: { any: { items: { $ref: '#/$defs/any' } } }, items: { $ref: '#' }, allOf: [{ $ref: '#/$defs/any' }] },
      '/items and /allOf/0',
    ],
  ])('%s', (_what, schema, message) => {
    write({ low_balance: schema });
    expect(() => createValidator([folder])).toThrow(`schema ${join(folder, 'low_balance.json')}: ${message}`);
  });

  test('one that tries itself by way of another file, which is named where it does', () => {
    write({ low_balance: { items: { $ref: 'topup.json' } }, topup: { oneOf: [{ $ref: 'low_balance.json' }] } });
    expect(() => createValidator([folder])).toThrow(`schema ${join(folder, 'topup.json')}: /oneOf/0 leads back`);
  });
});

describe('steps grow no faster than the body', () => {
  const anything = { $ref: '#/$defs/anything' };
  const schemas: Readonly<Record<string, JsonObject>> = {
    'a pattern that goes back and forth elsewhere': { properties: { text: { pattern: '^([a-z]+ ?)+$' } } },
    'patterns for names': { patternProperties: { '^(a+)+$': true, '(x|xx)*$': { type: 'string' } } },
    'items that are unique': { properties: { list: { uniqueItems: true, items: { type: ['string', 'number'] } } } },
    'few items that are unique': { properties: { list: { uniqueItems: true, maxItems: 1_000 } } },
    'a tree': { properties: { children: { items: { $ref: '#' } } } },
    'a tree of two branches': { properties: { left: { $ref: '#' }, children: { $ref: '#' } } },
    'anything, at every depth': {
      $defs: { anything: { items: anything, additionalProperties: anything, propertyNames: { pattern: '(a|aa)*$' } } },
      additionalProperties: anything,
    },
    'itself where something is there': JSON.parse(
      '{"if": {"required": ["left"]}, "then": {"properties": {"left": {"$ref": "#"}}}}',
    ),
    'alternatives, again and again': {
      properties: { list: { items: { anyOf: [{ type: 'object' }, { type: 'number' }, { oneOf: [{ const: 'x' }] }] } } },
    },
    'more than the built-in schema': { allOf: [{ $ref: schemaId('low_balance') }], unevaluatedProperties: true },
  };
  const bodies: Readonly<Record<string, (n: number) => JsonObject>> = {
    'a string that a pattern nearly matches': (n) => ({ text: `${'a'.repeat(n)}!` }),
    'a name that a pattern nearly matches': (n) => ({ [`${'a'.repeat(n)}!`]: 1 }),
    numbers: (n) => ({ list: Array.from({ length: n }, (_, index) => index) }),
    texts: (n) => ({ list: Array.from({ length: n }, (_, index) => `t${index}`) }),
    objects: (n) => ({ list: Array.from({ length: n }, (_, a) => ({ a })), children: [{ children: [{}] }] }),
    names: (n) => Object.fromEntries(Array.from({ length: n }, (_, index) => [`a${index}`, 'xx'])),
    'a nest of arrays': (n) => ({ list: nest(n, (within) => [within]) }),
    'a nest of objects': (n) => nest(n, (left) => ({ left })) as JsonObject,
    'a nest of objects in arrays': (n) => nest(n, (child) => ({ children: [child] })) as JsonObject,
  };

  /** The bodies of which twice as much takes more than three times as many steps. */
  const growing = (check: (body: JsonObject) => unknown, deep: number, wide: number) =>
    Object.entries(bodies).flatMap(([what, body]) => {
      // Of a text or a nest, what goes wrong takes twice as much for each character or level.
      const n = what.startsWith('a ') ? deep : wide;
      const [once = 0, twice = 0] = [n, 2 * n].map((size) => stepsOf(check, body(size)));
      return twice > 3 * once ? [what] : [];
    });

  test.each(Object.entries(schemas))('for %s', (_what, schema) => {
    write({ brand_new: schema });
    const validator = createValidator([folder]);
    expect(growing((body) => validator.validate('brand_new', body), 10, 1_500)).toEqual([]);
  });

  const left = { properties: { left: { $ref: '#' } } };
  test.each<[string, JsonObject, string[]]>([
    ['compares anything', { properties: { list: { uniqueItems: true } } }, ['numbers', 'texts', 'objects']],
    ['tries itself', { oneOf: [left, left] }, ['a nest of objects']],
    ['applies itself twice', { allOf: [left, left] }, ['a nest of objects']],
  ])('and faster for what is refused because it %s', (_what, schema, bodies) => {
    write({ brand_new: schema });
    expect(() => createValidator([folder])).toThrow();
    expect(growing(new Ajv2020({ strict: false }).compile(schema), 4, 50)).toEqual(bodies);
  });

  test('a pattern of an operator looks at each character once, one of ours is left to V8', () => {
    write({ brand_new: { properties: { text: { pattern: '^([a-z]+ ?)+$' } } } });
    const text = `${'a'.repeat(20)}!`;
    const validator = createValidator([folder]);
    expect(stepsOf((body) => validator.validate('brand_new', body), { text })).toBeGreaterThan(20);
    const example = normalise(eventNamed('voicemail_deleted')?.example ?? {}).data;
    const read = (digits: number) => {
      const data = { ...example, voicemail_timestamp: '1'.repeat(digits) };
      expect(validator.validate('voicemail_deleted', data)).toEqual([]); // compiles its schema
      return charactersRead(() => validator.validate('voicemail_deleted', data));
    };
    expect(read(1_000)).toBe(read(1));
  });
});

function nest(depth: number, around: (within: Json) => Json): Json {
  let value: Json = {};
  for (let level = 0; level < depth; level += 1) value = around(value);
  return value;
}

/** How often a validator looks at a part of a body, or at a character of a text in it. */
function stepsOf(check: (body: JsonObject) => unknown, body: JsonObject): number {
  let looks = 0;
  const watched = <T extends object>(value: T): T =>
    new Proxy(value, {
      get(target, key) {
        looks += 1;
        const member = Reflect.get(target, key, target);
        return typeof member === 'object' && member !== null ? watched(member) : member;
      },
      has(target, key) {
        looks += 1;
        return Reflect.has(target, key);
      },
      getOwnPropertyDescriptor(target, key) {
        looks += 1;
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
    });
  const characters = charactersRead(() => check(watched(body)));
  return looks + characters;
}

/** By JavaScript: the platform's own regular expressions read them unseen. */
function charactersRead(work: () => unknown): number {
  let read = 0;
  for (const name of ['charCodeAt', 'codePointAt'] as const) {
    const original = String.prototype[name] as (at: number) => number;
    jest.spyOn(String.prototype, name).mockImplementation(function (this: string, at = 0) {
      read += 1;
      return original.call(this, at);
    });
  }
  try {
    work();
  } finally {
    jest.restoreAllMocks();
  }
  return read;
}

function write(schemas: Readonly<Record<string, JsonObject>>): void {
  for (const [event, schema] of Object.entries(schemas)) {
    writeFileSync(join(folder, `${event}.json`), JSON.stringify(schema));
  }
}
