import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asKazooWrites, mayLoseDigits, parseAsWritten } from '../../src/kazoo/json.ts';
import { runs } from '../support/runs.ts';

describe('a number as KAZOO writes it in a form', () => {
  test.each([
    ['20', '20'],
    ['-20', '-20'],
    ['-0', '0'],
    ['12345678901234567890', '12345678901234567890'],
    ['20.0', '20.0'],
    ['25.50', '25.5'],
    ['-25.50', '-25.5'],
    ['123.456', '123.456'],
    ['0.0', '0.0'],
    ['-0.0', '0.0'],
    ['0.001', '0.001'],
    ['1e-6', '0.000001'],
    ['1.0e-7', '1.0e-7'],
    ['1.25E-9', '1.25e-9'],
    ['100000.0', '100000.0'],
    ['1000000.0', '1.0e+6'],
    ['1.2e6', '1200000.0'],
    ['4503599627370496.0', '4503599627370496.0'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ['5e-324', '5.0e-324'],
  ])('%s is %s', (text, written) => {
    expect(asKazooWrites(text)).toBe(written);
  });

  test('is the same number, whatever it is', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const written = asKazooWrites(value.toExponential());
        expect(Number(written)).toBe(value === 0 ? 0 : value);
        expect(written).toMatch(/^-?\d+\.\d+(e[+-]\d+)?$/);
      }),
      runs(500),
    );
  });
});

describe('parsing numbers as they are written', () => {
  test.each([
    '{"a":20.0}',
    '{"a":[1,-0.0,{"b":1.0e-7}]}',
    '{"a":-0}',
    '{"a":1E400}',
    '{"a":9007199254740993}',
    '{"a":0.1,"b":"1.0"}',
  ])('gives %s again, with what no double holds as text', (text) => {
    expect(mayLoseDigits(text)).toBe(true);
    expect(JSON.stringify(parseAsWritten(text))).toBe(text.replace(/1E400|9007199254740993/, '"$&"'));
  });

  test('is asked for wherever parsing would lose something', () => {
    const numbers = fc.constantFrom('1', '-1', '0', '-0', '1.5', '20.0', '1e3', '9007199254740993', '1234567890123456');
    const json = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        numbers,
        fc.json(),
        fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' , ')}]`),
        fc
          .dictionary(fc.string(), tie('value'), { maxKeys: 3 })
          .map((members) => `{${Object.entries(members).map(([key, value]) => `${JSON.stringify(key)}: ${value}`)}}`),
      ),
    })).value;
    fc.assert(
      fc.property(json, (text) => {
        const lost = JSON.stringify(JSON.parse(text)) !== JSON.stringify(parseAsWritten(text));
        if (lost && /^[[{]/.test(text)) expect(mayLoseDigits(text)).toBe(true);
      }),
      runs(500),
    );
  });
});
