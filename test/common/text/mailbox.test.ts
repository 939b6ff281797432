import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addressOf, readMailbox } from '../../../src/common/text/mailbox.ts';
import { runs } from '../../support/runs.ts';

describe('an address', () => {
  test.each([
    ['dana@example.com', 'dana@example.com'],
    ["o'neil+tag.x_1@mail.example.co.uk", "o'neil+tag.x_1@mail.example.co.uk"],
    ['Dana@EXAMPLE.com', 'Dana@example.com'],
    ['dana@bücher.example', 'dana@xn--bcher-kva.example'],
    ['root@localhost', 'root@localhost'],
  ])('%s is %s', (text, address) => {
    expect(addressOf(text)).toBe(address);
  });

  test.each([
    ...['', '@', 'dana', 'dana@', '@example.com', 'dana@example..com', 'dana@-example.com', '.dana@example.com'],
    ...['dana@example.com,eve@example.com', 'dana@example.com eve@example.com', 'dana@example.com;eve@example.com'],
    ...['dana@example.com\r\nBcc: eve@example.com', 'dana@example.com\n', 'dana\0@example.com', 'da na@example.com'],
    ...['<dana@example.com>', 'Dana <dana@example.com>', '"dana"@example.com', 'dana@[10.0.0.1]', 'dana@10.0.0.1'],
    ...['dana@example.com> SIZE=1', 'dana(x)@example.com', 'dana@example.com\u2028', 'd\u202eana@example.com'],
    ...[
      '@relay.example.com:dana@example.com',
      'dana@eve@example.com',
      '{account_id}@example.com',
      `${'d'.repeat(65)}@example.com`,
    ],
    `dana@${'e'.repeat(64)}.com`,
    `dana@${'example.'.repeat(40)}com`,
  ])('%j is none', (text) => {
    expect(addressOf(text)).toBeUndefined();
  });
});

describe('a mailbox', () => {
  test.each([
    ['phone@example.com', '', 'phone@example.com'],
    ['Phone system <phone@example.com>', 'Phone system', 'phone@example.com'],
    ['"Müller, Phone" <phone@example.com>', 'Müller, Phone', 'phone@example.com'],
    ['<phone@example.com>', '', 'phone@example.com'],
  ])('%s has a name and an address', (text, name, address) => {
    expect(readMailbox(text)).toEqual({ name, address });
  });

  test.each([
    ...['a@b.test, c@d.test', 'A <a@b.test>, C <c@d.test>', 'A <a@b.test> <c@d.test>', 'A: a@b.test;'],
    ...['A\r\nBcc: c@d.test <a@b.test>', '"A\nB" <a@b.test>', 'A <a@b.test', 'A <>', 'A'],
  ])('%j is none', (text) => {
    expect(readMailbox(text)).toBeUndefined();
  });

  test('has nothing that ends a header or a command, whatever it is read from', () => {
    const part = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('<', '>', '"', '@', '\r\n', ',', 'a@b.test'));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const { name = '', address = 'a@b' } = readMailbox(parts.join('')) ?? {};
        expect(name).toMatch(/^[^\p{Cc}<>"]*$/u);
        expect(address).toMatch(/^[!-~]+$/);
        expect(address.replace(/[^@<>,;:\\"()[\] ]/g, '')).toBe('@');
      }),
      runs(500),
    );
  });
});
