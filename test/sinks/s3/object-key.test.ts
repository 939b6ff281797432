import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mistakeInPrefix, nameOf, prefixOf } from '../../../src/sinks/s3/object-key.ts';
import { deliveryFrom, type EntryParts, entry } from '../../support/notification.ts';
import { runs } from '../../support/runs.ts';

const occurredAt = Date.UTC(2026, 10, 24, 9, 5, 7, 123);
const keyOf = (prefix: string, parts: EntryParts) => {
  const delivery = deliveryFrom(entry({ id: 'i', occurredAt, ...parts }));
  return `${prefixOf(prefix, delivery)}${nameOf([delivery], 0xabc, 'ndjson')}`;
};
const name = '20261124T090507Z_i_i_00000abc.ndjson';

describe('the key of an object', () => {
  test.each<readonly [string, EntryParts, string]>([
    ['{date}/', {}, '2026-11-24/'],
    ['year={year}/month={month}/day={day}/hour={hour}/', {}, 'year=2026/month=11/day=24/hour=09/'],
    ['kazoo/{account_id}/{event}-', { accountId: 'a1', event: 'missed_call' }, 'kazoo/a1/missed_call-'],
    ['{zone}/{category}/', { zone: 'west', category: null }, 'west/_/'],
    ['{zone}/', { zone: '' }, '_/'],
    ['{zone}/', { zone: '..' }, '__/'],
    ['{zone}/', { zone: '.' }, '_/'],
    ['{zone}/', { zone: '../../etc/passwd' }, '.._.._etc_passwd/'],
    ['{zone}/', { zone: 'a/b\\c?d#e%2Ff g+h' }, 'a_b_c_d_e_2Ff_g_h/'],
    ['{zone}/', { zone: 'Köln\n\0\u202e💥' }, 'K_ln_____/'],
    ['{zone}/', { zone: '\ud800' }, '_/'],
    ['{zone}/', { zone: '{date}' }, '_date_/'],
    ['{zone}/', { zone: 'x'.repeat(5_000) }, `${'x'.repeat(100)}/`],
  ])('begins, for %s and %j, with %s', (prefix, parts, expected) => {
    expect(keyOf(prefix, parts)).toBe(`${expected}${name}`);
  });

  test('has at most 1024 bytes and no parts but those of the prefix, whatever a notification holds', () => {
    const text = fc.string({ unit: 'binary' });
    const longest = `${'p'.repeat(395)}/{account_id}/{event}/{category}/{zone}/`;
    expect(mistakeInPrefix(longest)).toBeUndefined();
    fc.assert(
      fc.property(text, text, text, text, (event, accountId, zone, category) => {
        const ids = ['0'.repeat(36), 'f'.repeat(36)];
        const batch = ids.map((id) => deliveryFrom(entry({ id, occurredAt, event, accountId, zone, category })));
        const key = `${batch.slice(0, 1).map((first) => prefixOf(longest, first))}${nameOf(batch, 2 ** 32 - 1, 'ndjson.zst')}`;
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1_024);
        expect(key).toMatch(/^p+(\/[\w.-]+){5}$/);
        expect(key).not.toMatch(/\/\.{1,2}\//);
      }),
      runs(200),
    );
  });

  test('sorts by the time of its first notification, and names the first and the last id', () => {
    const at = (time: number, id: string) => deliveryFrom(entry({ id, occurredAt: time }));
    const names = [
      nameOf([at(occurredAt, 'z'), at(occurredAt, 'y')], 1, 'ndjson.gz'),
      nameOf([at(occurredAt + 1_000, 'a')], 1, 'ndjson.gz'),
      nameOf([at(Date.UTC(2027, 0, 1), 'b')], 1, 'ndjson.gz'),
    ];
    expect(names[0]).toBe('20261124T090507Z_z_y_00000001.ndjson.gz');
    expect(names.toSorted()).toEqual(names);
  });
});

test.each([
  ['{id}/', 'the name of an object has the ids already'],
  ['{account}/', 'has a placeholder {account}; there are {account_id}, {event}, {category}, {zone}, {date}, {year}'],
  ['/a/', 'has an empty part'],
  ['a//b/', 'has an empty part'],
  ['a/../b/', 'has a part . or ..'],
  ['./', 'has a part . or ..'],
  ['a\\b', 'has a brace, a backslash'],
  ['a\nb', 'has a brace, a backslash or a control character'],
  ['a{b', 'has a brace'],
  [`${'ü'.repeat(400)}{zone}/`, 'makes keys of up to 1029 bytes, and S3 allows 1024'],
])('the prefix %j is refused: %s', (prefix, message) => {
  expect(mistakeInPrefix(prefix)).toContain(message);
});
