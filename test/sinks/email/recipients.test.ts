import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../../../src/common/json.ts';
import { Undeliverable } from '../../../src/sinks/content.ts';
import type { EmailSinkOptions } from '../../../src/sinks/email/options.ts';
import { createRecipients, served } from '../../../src/sinks/email/recipients.ts';
import { hostileTexts } from '../../support/hostile-texts.ts';
import { runs } from '../../support/runs.ts';
import { emailOptions } from '../../support/smtp.ts';

const field = { to: ['{data.email}'] };
const byAccount = { to: [], toByAccount: { a1: ['one@example.com'], default: ['all@example.com'] } };

describe('the recipients of an e-mail', () => {
  test.each<[string, Partial<EmailSinkOptions>, JsonObject, string[]]>([
    ['fixed ones', { to: ['A <a@example.com>', 'b@example.com'] }, {}, ['a@example.com', 'b@example.com']],
    ['one that is named twice', { to: ['a@example.com', 'A <a@EXAMPLE.com>'] }, {}, ['a@example.com']],
    ['an address in a field', field, { email: 'dana@example.com' }, ['dana@example.com']],
    ['a list in a field', field, { email: ['a@example.com', 'b@example.com'] }, ['a@example.com', 'b@example.com']],
    [
      'a field further inside',
      { to: ['{data.fax_notifications.email.send_to}'] },
      { fax_notifications: { email: { send_to: ['fax@example.com'] } } },
      ['fax@example.com'],
    ],
    [
      'a fixed one, where the field is empty',
      { to: ['a@example.com', '{data.email}'] },
      { email: '' },
      ['a@example.com'],
    ],
    ['those of the account', byAccount, {}, ['one@example.com']],
    ['those of all others', { ...byAccount, toByAccount: { default: ['all@example.com'] } }, {}, ['all@example.com']],
    ['nobody, if that is fine', { ...field, noAddress: 'skip' }, {}, []],
    ['nobody, if what is no address is passed over', { ...field, noAddress: 'skip' }, { email: 'x' }, []],
    [
      'the others, if what is no address is passed over',
      { to: ['a@example.com', '{data.email}'], noAddress: 'skip' },
      { email: 1 },
      ['a@example.com'],
    ],
  ])('are %s', (_what, options, data, expected) => {
    expect(addresses(options, data)).toEqual(expected);
  });

  test.each<[string, Partial<EmailSinkOptions>, JsonObject, string]>([
    [
      'a field that is missing',
      field,
      {},
      'no address results for it (data.email is empty or missing): add one to "to"',
    ],
    [
      'an account that nobody has entered',
      { to: [], toByAccount: { b2: ['x@example.com'] } },
      {},
      'toByAccount has neither the account a1 nor default',
    ],
    ['an account named like what objects inherit', { to: [], toByAccount: {} }, {}, 'no address results'],
    [
      'a field with something else',
      field,
      { email: { at: 1 } },
      'data.email holds something else than an e-mail address',
    ],
    [
      'more than a mail server must take',
      field,
      { email: many(101) },
      'it has 101 addresses, and an e-mail goes to 100 at most',
    ],
  ])('are none for %s, with the cure', (_what, options, data, reason) => {
    expect(() => addresses(options, data)).toThrow(new RegExp(reason.replace(/[()]/g, '\\$&')));
    expect(() => addresses(options, data)).toThrow(Undeliverable);
  });

  test.each([
    ...hostileTexts.filter((text) => text !== ''),
    ...[
      'dana@example.com\r\nRCPT TO:<eve@example.com>',
      'dana@example.com>\r\nDATA',
      'dana@example.com, eve@example.com',
    ],
    ...[
      'Dana <dana@example.com>',
      'dana@example.com\r\nBcc: eve@example.com',
      ' dana@example.com',
      'root@localhost',
      'root',
    ],
  ])('are never what a field holds beside one address: %j', (text) => {
    for (const value of [text, [text], ['dana@example.com', text]])
      expect(() => addresses(field, { email: value })).toThrow('data.email holds something else');
  });

  test('are no more than the addresses of a field, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const found = addresses({ ...field, noAddress: 'skip' }, { email: value } as JsonObject);
        for (const address of found) expect([value].flat()).toContain(address);
      }),
      runs(300),
    );
  });
});

test.each<[Partial<EmailSinkOptions>, 'all' | 'account' | undefined]>([
  [{ to: ['a@example.com'] }, 'all'],
  [byAccount, 'account'],
  [{ to: ['a@example.com', '{data.email}'] }, undefined],
])('a recipient of %j that is refused is about %s', (options, about) => {
  expect(served({ ...emailOptions, ...options })).toBe(about);
});

function addresses(options: Partial<EmailSinkOptions>, data: JsonObject): string[] {
  const recipientsOf = createRecipients({ ...emailOptions, ...options });
  return recipientsOf({ id: '1', account_id: 'a1', data }).map(({ address }) => address);
}

function many(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `a${at}@example.com`);
}
