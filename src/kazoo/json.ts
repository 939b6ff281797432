import type { Json } from '../common/json.ts';

declare global {
  // TypeScript's library doesn't have these yet.
  interface JSON {
    parse(text: string, reviver: (key: string, value: Json, context: { readonly source?: string }) => Json): unknown;
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): boolean;
  }
}

/** What `JSON.rawJSON` makes of a number's text: `JSON.stringify` writes it just so. */
type RawNumber = { readonly rawJSON: string };

/** True where a number of this JSON text may be another text once it is parsed and written again. */
export function mayLoseDigits(json: string): boolean {
  return losable.test(json);
}

/** A fraction, an exponent, a negative zero, or as many digits as a double may not hold. */
const losable = /[:,[]\s*-?(?:\d+[.eE]|\d{16}|(?<=-)0)/;

/**
 * Parses JSON so that writing it again gives its numbers as they stand there: those that would become another text are
 * `JSON.rawJSON`. An integer that a double can't hold, and a number too large for one, become strings of their digits.
 * @param json of valid JSON, nested no deeper than `maxDepth`
 */
export function parseAsWritten(json: string): Json {
  return JSON.parse(json, (_key, value, { source = '' }) => {
    if (typeof value !== 'number' || String(value) === source) return value;
    const isExact = Number.isSafeInteger(value) || (Number.isFinite(value) && !/^-?\d+$/.test(source));
    return isExact ? JSON.rawJSON(source) : source;
  }) as Json; // the reviver gives nothing else
}

/** The text of a number that `parseAsWritten` has kept; undefined for anything else. */
export function writtenNumber(value: Json): string | undefined {
  return JSON.isRawJSON(value) ? (value as RawNumber).rawJSON : undefined; // which is what that says
}

/**
 * A number as KAZOO writes it in a form. It reads one with a fraction or an exponent as a float, which always keeps a
 * fraction, and writes the fewest digits that tell it from others: 20.0, 1.0e-7, 1.0e+6.
 * @param text of a number in JSON
 */
export function asKazooWrites(text: string): string {
  const value = Number(text);
  if (!/[.eE]/.test(text)) return value === 0 ? '0' : text;
  if (value === 0) return '0.0';
  const [, sign = '', first = '', rest = '', exponent] = /^(-?)(\d)\.?(\d*)e(.+)$/.exec(value.toExponential()) ?? [];
  const digits = first + rest;
  const whole = Number(exponent) + 1;
  return sign + withPoint(digits, whole);
}

/** @param whole how many of the digits stand before the point; negative where zeros stand behind it */
function withPoint(digits: string, whole: number): string {
  if (whole <= -6 || whole - digits.length >= 6) {
    return `${digits[0]}.${digits.slice(1) || '0'}e${whole < 0 ? '-' : '+'}${Math.abs(whole - 1)}`;
  }
  if (whole <= 0) return `0.${'0'.repeat(-whole)}${digits}`;
  return `${digits.slice(0, whole).padEnd(whole, '0')}.${digits.slice(whole) || '0'}`;
}
