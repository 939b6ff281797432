import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/common/json.ts';
import { maxDepth, normalise } from '../../src/kazoo/normalise.ts';
import { runs } from '../support/runs.ts';

describe('normalising a body', () => {
  test('makes keys lower case with underscores at every depth, also inside arrays, and leaves values alone', () => {
    const { data } = normalise({
      'Account-ID': 'A-B',
      DataBag: { 'Some-Key': [{ 'In-Array': 'X-Y' }, 'Plain-Value'] },
      RPid: 1,
    });
    expect(data).toEqual({
      account_id: 'A-B',
      databag: { some_key: [{ in_array: 'X-Y' }, 'Plain-Value'] },
      rpid: 1,
    });
  });

  test('drops members that are null and keeps nulls in arrays', () => {
    expect(normalise({ A: null, B: [null, { C: null }] }).data).toEqual({ b: [null, {}] });
  });

  test('changes nothing in what is normalised already', () => {
    fc.assert(
      fc.property(jsonObject, (body) => {
        const once = normalise(body).data;
        expect(normalise(once).data).toEqual(once);
      }),
      runs(100),
    );
  });

  test('keeps every member of any body whose keys stay different, whatever its key is', () => {
    fc.assert(
      fc.property(jsonObject, (body) => {
        const { data, collisions, tooDeep } = normalise(body);
        fc.pre(!tooDeep && collisions.length === 0);
        expect(membersOf(data)).toBe(membersOf(body));
      }),
      runs(100),
    );
  });

  test('never lets a key reach the prototype of an object', () => {
    const { data } = normalise(
      JSON.parse('{"__proto__": {"polluted": 1}, "__PROTO--": 2, "Constructor": {"Prototype": 3}}'),
    );
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(Object.keys(data)).toEqual(['__proto__', 'constructor']);
    expect(JSON.stringify(data)).toBe('{"__proto__":2,"constructor":{"prototype":3}}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('reports where two keys become one, and takes the last', () => {
    const { data, collisions } = normalise({ 'Account-ID': 'first', Nested: { 'a-b': 1, a_b: 2 }, account_id: 'last' });
    expect(data).toEqual({ account_id: 'last', nested: { a_b: 2 } });
    expect(collisions).toEqual([['nested', 'a_b'], ['account_id']]);
  });

  test('replaces lone surrogates in keys and values', () => {
    const { data } = normalise(JSON.parse('{"k\\ud800": "v\\udfff", "ok": "\\ud83d\\ude00"}'));
    expect(data).toEqual({ 'k�': 'v�', ok: '😀' });
  });

  test.each([
    [true, { 'Auth-Token': 'a' }],
    [true, { Deep: [{ 'X-API-Key': 'b' }] }],
    [true, { Deep: { apikey: 'c' } }],
    [true, { 'Set-Cookie': 'd' }],
    [true, { Authorization: null, 'User-Password': 'f' }],
    [true, { Deep: [['{']] }],
    [true, { Link: 'a://b' }],
    [false, { Link: 'a:/b', Text: ' {' }],
    [false, { Authorizing: 'harmless', 'Caller-ID-Name': 'Token Ring' }],
  ])('says that it is %s that there may be a secret: %j', (mayHoldSecrets, body) => {
    expect(normalise(body)).toMatchObject({ mayHoldSecrets });
  });

  test(`says so where a body nests deeper than ${maxDepth} levels, and only there`, () => {
    expect(normalise({ a: nested(maxDepth - 1) }).tooDeep).toBe(false);
    expect(normalise({ a: nested(maxDepth) }).tooDeep).toBe(true);
    expect(normalise({ a: JSON.parse(`${'['.repeat(500_000)}${']'.repeat(500_000)}`) }).tooDeep).toBe(true);
  });

  test('works for more different keys than it remembers', () => {
    for (let index = 0; index < 20_000; index += 1) {
      expect(normalise({ [`Key-${index}`]: index }).data).toEqual({ [`key_${index}`]: index });
    }
  });
});

/** Bodies with hostile keys among ordinary ones; null members are left out, because they are dropped. */
const key = fc.oneof(
  fc.constantFrom(
    'Account-ID',
    'account_id',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '',
    'É-Ü',
    'a-_b',
  ),
  fc.string(),
);
const { jsonObject } = fc.letrec<{ json: Json; jsonObject: JsonObject }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.array(tie('json'), { maxLength: 4 }),
    tie('jsonObject'),
  ),
  jsonObject: fc.dictionary(key, tie('json'), { maxKeys: 8 }),
}));

function membersOf(value: Json | undefined): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + membersOf(item), 0);
  return Object.values(value).reduce<number>((sum, member) => sum + 1 + membersOf(member), 0);
}

function nested(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
}
