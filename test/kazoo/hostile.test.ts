import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, expect, jest, test } from '@jest/globals';
import { decode } from '../../src/kazoo/decode.ts';

const MiB = 1024 * 1024;
const limits = { maxBodySize: MiB, maxBodyMembers: 20_000 };
const nest = `${'['.repeat(59)}${']'.repeat(59)}`;

afterEach(() => {
  jest.restoreAllMocks();
});

/** Bodies that fill what a body may be, each in its own way; each is sent as gzip, and most are a few kB then. */
const bodies: Readonly<Record<string, { readonly text: () => string; readonly outcome: string }>> = {
  'arrays nested 60 deep': { text: () => `{"a":[${fill(`${nest},`)}0]}`, outcome: 'members' },
  'objects nested 60 deep': {
    text: () => `{"a":[${fill(`${'{"a":'.repeat(58)}1${'}'.repeat(58)},`)}0]}`,
    outcome: 'members',
  },
  'empty arrays': { text: () => `{"a":[${fill('[],')}0]}`, outcome: 'members' },
  'empty objects': { text: () => `{"a":[${fill('{},')}0]}`, outcome: 'members' },
  numbers: { text: () => `{"a":[${fill('1,')}0]}`, outcome: 'members' },
  'numbers with white space between them': { text: () => `{"a": [${fill('1 ,\n')}0]}`, outcome: 'members' },
  nulls: { text: () => `{"a":[${fill('null,')}0]}`, outcome: 'members' },
  'empty strings': { text: () => `{"a":[${fill('"",')}0]}`, outcome: 'members' },
  'keys that are all different': {
    text: () => `{${Array.from({ length: 80_000 }, (_, n) => `"k${n}":1`).join()}}`,
    outcome: 'members',
  },
  'one key again and again': { text: () => `{${fill('"a":1,')}"a":1}`, outcome: 'members' },
  'keys that become one': { text: () => `{${fill('"A-B":1,"a_b":1,')}"a":1}`, outcome: 'members' },
  'as many members as 64 KiB have room for': { text: () => `{"a":[${'1,'.repeat(32_000)}0]}`, outcome: 'members' },
  'as many members, and no end': { text: () => `{"a":[${fill('[],')}`, outcome: 'members' },
  'a nest 500,000 deep': { text: () => `{"a":${'['.repeat(MiB / 2 - 10)}`, outcome: 'members' },
  'a nest 10,000 deep': { text: () => `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, outcome: 'depth' },
  'one long string': { text: () => `{"a":"${fill('x')}"}`, outcome: 'valid' },
  'one long string of escapes': { text: () => `{"a":"${fill('\\n')}"}`, outcome: 'valid' },
  'escapes by number': { text: () => `{"a":"${fill('\\ud800')}"}`, outcome: 'valid' },
  'one long key': { text: () => `{"${fill('A-')}":1}`, outcome: 'valid' },
  'one long number': { text: () => `{"a":${fill('1')}}`, outcome: 'valid' },
  'a large number beside escapes': { text: () => `{"b":9007199254740993,"a":"${fill('\\"')}"}`, outcome: 'valid' },
  'white space': { text: () => `{${fill(' ')}}`, outcome: 'valid' },
  'as many large numbers as there may be': {
    text: () => `{"a":[${Array.from({ length: 19_999 }, () => '9'.repeat(50)).join()}]}`,
    outcome: 'valid',
  },
  'as many fractions of zero as there may be': {
    text: () => `{"a":[${Array.from({ length: 19_999 }, () => '1.0e-7'.padStart(40)).join()}]}`,
    outcome: 'valid',
  },
  'as many secrets as there may be': {
    text: () => `{${Array.from({ length: 20_000 }, (_, n) => `"Token-${n}":"${'x'.repeat(30)}"`).join()}}`,
    outcome: 'valid',
  },
  'as many nests as there may be': { text: () => `{"a":[${`${nest},`.repeat(337)}0]}`, outcome: 'valid' },
  'nothing but a quotation mark that opens': { text: () => `{"a":"${fill('[1,')}`, outcome: 'json' },
  'a bomb': { text: () => fill('x', 64 * MiB), outcome: 'size' },
};

test.each(Object.entries(bodies))('of %s no more is made than a body may have', (_what, { text, outcome }) => {
  const parse = JSON.parse;
  let made = 0;
  jest.spyOn(JSON, 'parse').mockImplementation((text, ...rest) => {
    const value = parse(text, ...rest);
    made += valuesIn(value);
    return value;
  });
  const body = gzipSync(text());
  const { state, problems } = decode({ ...message, body }, limits);
  expect(problems[0]?.keyword ?? state).toBe(outcome);
  // One whose numbers would become others is parsed three times, once of them with an object for each number.
  expect(made).toBeLessThanOrEqual(outcome === 'members' ? 0 : 4 * (limits.maxBodyMembers + 1));
});

test('each of them is within the size that a body may have, but for the bomb', () => {
  for (const [what, { text }] of Object.entries(bodies)) {
    if (what !== 'a bomb') expect(gunzipSync(gzipSync(text())).length).toBeLessThanOrEqual(MiB);
  }
});

const message = { routingKey: 'a', contentEncoding: 'gzip', timestamp: undefined, zone: 'west', receivedAt: 0 };

/** The text again and again, for as long as there is room in a body for it. */
function fill(text: string, size = MiB - 100): string {
  return text.repeat(Math.floor(size / text.length));
}

function valuesIn(value: unknown): number {
  let count = 0;
  const left = [value];
  while (left.length > 0) {
    const next = left.pop();
    count += 1;
    if (typeof next === 'object' && next !== null) for (const member of Object.values(next)) left.push(member);
  }
  return count;
}
