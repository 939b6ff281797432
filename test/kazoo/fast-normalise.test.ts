import { isAscii } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { exampleBody } from '../../src/cli/support/example.ts';
import type { Json, JsonObject } from '../../src/common/json.ts';
import { events } from '../../src/kazoo/catalogue.ts';
import { fastNormalise } from '../../src/kazoo/fast-normalise.ts';
import { fingerprintContent } from '../../src/kazoo/identity.ts';
import { normalise } from '../../src/kazoo/normalise.ts';
import { runs } from '../support/runs.ts';

describe('rewriting the keys of a body', () => {
  test.each(events)('is what $name gets', (event) => {
    const body = exampleBody(event, Date.now(), []);
    const { data, mayHoldSecrets } = normalise(body);
    expect(rewritten(JSON.stringify(body))).toMatchObject({ data, mayHoldSecrets });
  });

  test('keeps the text but for its keys', () => {
    const text = '{"Account-ID":"A-B","DataBag":{"Some-Key":[{"In-Array":"X \\"Y\\""},-1.50]}}';
    expect(rewritten(text)?.json).toBe('{"account_id":"A-B","databag":{"some_key":[{"in_array":"X \\"Y\\""},-1.50]}}');
    expect(rewritten('{"A":"Dvořák"}')?.json).toBe('{"a":"Dvořák"}');
  });

  test('leaves out of the content what a resend changes, at the top and wherever it stands', () => {
    const contents = ['{"Msg-ID":"1","A":{"Msg-ID":"2"},"Server-ID":""}', '{"A":{"Msg-ID":"2"}}'].map(contentOfText);
    expect(contents).toEqual(['{"a":{"msg_id":"2"}}', '{"a":{"msg_id":"2"}}']);
  });

  test.each([
    ['an empty list', '"X":[]', ''],
    ['an empty object', '"X":{}', '"X":[]'],
    ['a list of objects', '"X":[{"A":[1,{}]},{"B":"}]"}]', '"X":[]'],
  ])('leaves out of the content %s, which KAZOO’s saving empties', (_what, first, saved) => {
    for (const around of [(x: string) => x, (x: string) => `"A":1,${x}`, (x: string) => `${x},"A":{"B":[]},"C":[1]`]) {
      const [one, other] = [first, saved].map((x) =>
        contentOfText(`{${around(x)}}`.replace(/,}/, '}').replace('{,', '{')),
      );
      expect(one).toBe(other);
      expect(one).not.toContain('x');
    }
  });

  test.each([
    ['white space', '{"a": 1}'],
    ['a null', '{"a":null}'],
    ['an escape by number', '{"a":"\\u0041"}'],
    ['an escape of a slash', '{"a":"b\\/c"}'],
    ['an escape in a key', '{"a\\n":1}'],
    ['a key beyond ASCII', '{"Ä":1}'],
    ['two keys that become one', '{"A-B":1,"a_b":2}'],
    ['a key that stands there twice', '{"a":1,"a":2}'],
    ['a number that a double may not hold', '{"a":9007199254740993}'],
    ['a number with an exponent', '{"a":1e999}'],
    ['negative zero', '{"a":-0}'],
    ['a nest that is deep', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`],
    ['no end', '{"a":"b'],
    ['no end behind an escape', '{"a":"b\\'],
    ['something behind its end', '{"a":1}}'],
    ['no object', '["a"]'],
    ['no JSON', '{"a":tru}'],
    ['more of the members of one publish than there can be', `{${'"Msg-ID":1,'.repeat(9)}"a":1}`],
    ['more empty members than KAZOO sends', `{${Array.from({ length: 33 }, (_, at) => `"a${at}":[]`)}}`],
    ['too much', `{"a":"${'x'.repeat(70_000)}"}`],
  ])('is refused to a body with %s', (_what, text) => {
    expect(rewritten(text)).toBeNull();
  });

  test('gives what normalising gives, or nothing, for any JSON and for any bytes', () => {
    const json = fc.json().map((text) => `{"a":${text}}`);
    const spliced = fc.tuple(json, fc.nat(), fc.string()).map(([text, at, more]) => {
      const place = at % text.length;
      return text.slice(0, place) + more + text.slice(place);
    });
    fc.assert(
      fc.property(fc.oneof(json, spliced, objects), (text) => {
        const result = rewritten(text);
        if (result === null) return;
        const { data, mayHoldSecrets } = normalise(JSON.parse(text) as JsonObject);
        // Here it is also what stands in keys.
        if (mayHoldSecrets) expect(result).toMatchObject({ mayHoldSecrets });
        expect(result.data).toEqual(data);
        expect(JSON.parse(result.json)).toEqual(result.data);
        expect(result.json).not.toContain('\n');
        const content: unknown = JSON.parse(Buffer.from(result.content()).toString());
        expect(content).toEqual(JSON.parse(fingerprintContent(data)));
      }),
      runs(1_000),
    );
  });
});

const keys = fc.constantFrom(
  'A',
  'a',
  'A-B',
  'a_b',
  'Msg-ID',
  'server_id',
  'x',
  'API-Key',
  'Ä',
  '__proto__',
  'constructor',
  '-',
);
const values = fc.oneof(
  fc.string(),
  fc.constantFrom('{', '[x', 'a://b'),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
);

/** Objects of few names, that often meet. */
const objects = fc
  .letrec<{ value: Json; object: JsonObject }>((tie) => ({
    value: fc.oneof(values, fc.array(tie('value'), { maxLength: 3 }), tie('object')) as fc.Arbitrary<Json>,
    object: fc.dictionary(keys, tie('value'), { maxKeys: 6 }) as fc.Arbitrary<JsonObject>,
  }))
  .object.map((object) => JSON.stringify(object));

function contentOfText(text: string): string {
  return Buffer.from(rewritten(text)?.content() ?? []).toString();
}

function rewritten(text: string) {
  const bytes = Buffer.from(text);
  return fastNormalise(bytes, isAscii(bytes));
}
