import type { Entry } from '../notification/entry.ts';
import type { Search } from './reader.ts';

/** From so many digits on, a number may be written with or without its prefixes. */
const fewestDigits = 6;

/** Whether a body has the values that are looked for. */
export function bodyFilter({ callId, number }: Search): (entry: Entry) => boolean {
  const digits = number === undefined ? undefined : digitsOf(number);
  if (callId === undefined && digits === undefined) return () => true;
  return ({ data }) => {
    const values = valuesIn(data);
    if (callId !== undefined && !values.includes(callId)) return false;
    return digits === undefined || values.some((value) => isNumber(value, digits));
  };
}

/**
 * Texts that the JSON of a body with these values must contain: they exclude most other bodies without parsing them.
 */
export function textsOf({ callId, number }: Search): string[] {
  const texts = callId === undefined ? [] : [JSON.stringify(callId).slice(1, -1)];
  return number === undefined ? texts : [...texts, digitsOf(number).slice(-4)];
}

/** Without the zeros that stand for a trunk or another country. */
function digitsOf(text: string): string {
  return text.replace(/\D/g, '').replace(/^0+/, '');
}

/** As a number stands in a body: with a plus, or as the user of a SIP address. */
function isNumber(value: string, digits: string): boolean {
  const [, user] = /^(?:sips?:)?\+?([\d ().-]{2,40})(?:@.*)?$/.exec(value) ?? [];
  if (user === undefined) return false;
  const found = digitsOf(user);
  return digits.length < fewestDigits ? found === digits : found.endsWith(digits);
}

function valuesIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(valuesIn);
}
