import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasMoreMembers } from '../../src/kazoo/body.ts';

describe('the members of a JSON text', () => {
  test('are counted as JSON.parse makes them, however they are written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = Buffer.from(JSON.stringify(value, undefined, space));
        const members = membersOf(JSON.parse(text.toString()));
        expect(hasMoreMembers(text, members)).toBe(false);
        expect(hasMoreMembers(text, members - 1)).toBe(true);
      }),
    );
  });

  test.each([
    ['[1,1,1]', 3],
    ['[[[[]]]]', 3],
    ['{"a":{},"b":[ ],"c":"[1,1]","d":"\\"[1,1"}', 4],
    ['{"a":1,"a":2}', 2],
    [' { "a" : [ { } , [ ] , "" ] } ', 4],
  ])('of %s are %i', (text, members) => {
    expect(hasMoreMembers(Buffer.from(text), members)).toBe(false);
    expect(hasMoreMembers(Buffer.from(text), members - 1)).toBe(true);
  });

  test.each([
    ['an array of numbers', '[1,'.padEnd(100_000, '1,')],
    ['a nest', '['.repeat(100_000)],
    ['a nest of objects', '{"":'.repeat(100_000)],
    ['keys that are all the same', `{${'"":1,'.repeat(100_000)}`],
  ])('are no longer looked for once there are too many: %s', (_what, text) => {
    const { bytes, reads } = counting(text);
    expect(hasMoreMembers(bytes, 100)).toBe(true);
    expect(reads()).toBeLessThanOrEqual(600);
  });

  test.each([
    ['one long string', `["${'x'.repeat(100_000)}"]`],
    ['a string without end', `["${'[1,'.repeat(30_000)}`],
    ['escapes', `["${'\\"'.repeat(50_000)}"]`],
    ['white space', `[${' '.repeat(100_000)}1]`],
    ['closing brackets', ']'.repeat(100_000)],
    ['one long number', `[${'1'.repeat(100_000)}]`],
  ])('take one look at each byte: %s', (_what, text) => {
    const { bytes, reads } = counting(text);
    expect(hasMoreMembers(bytes, 10)).toBe(false);
    expect(reads()).toBeLessThanOrEqual(text.length);
  });

  test('take no look where the text is too short to have so many', () => {
    const { bytes, reads } = counting(`[${'1,'.repeat(99)}1]`);
    expect(hasMoreMembers(bytes, 101)).toBe(false);
    expect(reads()).toBe(0);
  });
});

/** Of a parsed value, those of all that it holds too. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, member) => sum + 1 + membersOf(member), 0);
}

/** Bytes that tell how often one of them was read. */
function counting(text: string): { readonly bytes: Uint8Array; readonly reads: () => number } {
  let reads = 0;
  const bytes = new Proxy(Buffer.from(text), {
    get(buffer, key) {
      if (key === 'length') return buffer.length;
      reads += 1;
      return Reflect.get(buffer, key, buffer);
    },
  });
  return { bytes, reads: () => reads };
}
