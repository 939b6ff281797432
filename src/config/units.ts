import { anyCase } from '../common/options/json-schema.ts';

/** Units of time, in milliseconds. */
export const durations = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Units of size, in bytes. */
export const sizes = new Map([
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
]);

/** `1.5h` as a number of the smallest unit; what isn't an amount stays as it is, for the check to refuse. */
export function amount(text: unknown, units: ReadonlyMap<string, number>): unknown {
  if (isBare(text)) return Number(text);
  const [, digits = '', name = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(text)) ?? [];
  const unit = units.get(name.toLowerCase());
  return digits === '' || unit === undefined ? text : Math.round(Number(digits) * unit);
}

/**
 * A check of an amount as it is written: someone who writes 180 means days as often as seconds; 0 is the same in every unit.
 * @param examples stand in the error
 */
export function needsUnit(examples: string): (value: unknown) => void {
  return (value) => {
    if (isBare(value) && Number(value) !== 0) throw new Error(`must have a unit, such as ${examples}`);
  };
}

/** An amount with any of these units, or 0, as a JSON Schema. */
export function unitSchema(units: ReadonlyMap<string, number>): object {
  const zero = '^0+(\\.0+)?$';
  return { anyOf: [{ type: 'string', pattern: `${zero}|^${withUnit(units)}` }, { const: 0 }] };
}

/** The same without 0. */
export function positiveUnitSchema(units: ReadonlyMap<string, number>): object {
  return { type: 'string', pattern: `^(?=.*[1-9])${withUnit(units)}` };
}

function withUnit(units: ReadonlyMap<string, number>): string {
  return `\\d+(\\.\\d+)?\\s*(${[...units.keys()].map(anyCase).join('|')})$`;
}

/** True for a number that has no unit. */
function isBare(value: unknown): boolean {
  return (typeof value === 'number' || typeof value === 'string') && /^\d+(\.\d+)?$/.test(String(value));
}
