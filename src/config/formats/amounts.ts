import type { Format } from '../../common/options/declare.ts';
import { anyCase, must } from '../../common/options/value-checks.ts';

/** Units of time, in milliseconds. */
const durations = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Units of size, in bytes. */
const sizes = new Map([
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
]);

const percentage = /^(100|[1-9]\d?)\s*%$/;

/** Up to 65535, in 5 digits at most. */
export const sixteenBits = '(\\d{1,4}|[0-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])';

/** What is in quotes, or comes from elsewhere as text, is read as a number. */
const numberSchema = (limits: { minimum: number; maximum?: number }, digits: string) => ({
  anyOf: [
    { type: 'integer', maximum: Number.MAX_SAFE_INTEGER, ...limits },
    { type: 'string', pattern: `^${digits}$` },
  ],
});

/** Durations, sizes and numbers. */
export const amounts = {
  duration: {
    kind: 'duration',
    schema: unitSchema(durations),
    validate: (value) =>
      must(
        isTimer(value),
        `must be a duration such as 500ms, 30s, 5m, 2h or 7d, 24d at most${inOtherUnits(value, durations)}`,
      ),
    coerce: (text) => parseAmount(text, durations),
    validateWritten: needsTimeUnit('5m, 30s or 500ms'),
  },
  'positive duration': {
    kind: 'duration',
    schema: positiveUnitSchema(durations),
    validate: (value) =>
      must(
        isTimer(value) && value > 0,
        `must be a duration above 0, such as 500ms, 30s or 5m, 24d at most${inOtherUnits(value, durations)}`,
      ),
    coerce: (text) => parseAmount(text, durations),
    validateWritten: needsTimeUnit('5m, 30s or 500ms'),
  },
  period: {
    kind: 'duration',
    schema: positiveUnitSchema(durations),
    validate: (value) =>
      must(
        isAmount(value) && value >= 60_000 && value <= 86_400_000,
        `must be a duration from 1m to 1d${inOtherUnits(value, durations)}`,
      ),
    coerce: (text) => parseAmount(text, durations),
    validateWritten: needsTimeUnit('15m or 1h'),
  },
  age: {
    kind: 'duration',
    schema: unitSchema(durations),
    validate: (value) =>
      must(isAmount(value), `must be an age such as 12h, 30d or 365d${inOtherUnits(value, durations)}`),
    coerce: (text) => parseAmount(text, durations),
    validateWritten: needsTimeUnit('180d, 12h or 30m'),
  },
  heartbeat: {
    kind: 'duration',
    schema: positiveUnitSchema(durations),
    validate: (value) =>
      must(
        isAmount(value) && value % 1000 === 0 && value >= 1000 && value < 10_000,
        `must be whole seconds, from 1s to 9s${inOtherUnits(value, durations)}`,
      ),
    coerce: (text) => parseAmount(text, durations),
    validateWritten: needsTimeUnit('5s'),
  },
  size: {
    kind: 'size',
    schema: unitSchema(sizes),
    validate: (value) =>
      must(isAmount(value), `must be a size such as 512KiB, 64MiB, 10GiB or 100MB${inOtherUnits(value, sizes)}`),
    coerce: (text) => parseAmount(text, sizes),
    validateWritten: needsUnit('10GiB or 64MiB'),
  },
  'positive size': {
    kind: 'size',
    schema: positiveUnitSchema(sizes),
    validate: (value) =>
      must(
        isAmount(value) && value > 0,
        `must be a size above 0, such as 512KiB, 64MiB, 10GiB or 100MB${inOtherUnits(value, sizes)}`,
      ),
    coerce: (text) => parseAmount(text, sizes),
    validateWritten: needsUnit('10GiB or 64MiB'),
  },
  share: {
    kind: 'percentage',
    schema: { type: 'string', pattern: percentage.source },
    validate: (value) =>
      must(typeof value === 'number' && value > 0 && value <= 1, 'must be a percentage such as 25%, from 1% to 100%'),
    coerce: (text) => (percentage.test(String(text)) ? Number.parseInt(String(text), 10) / 100 : text),
    validateWritten: (value) => must(typeof value !== 'number', 'must be a percentage with its sign, such as 25%'),
  },
  // convict's own makes 14 of "14 days".
  nat: {
    kind: 'whole number',
    schema: numberSchema({ minimum: 0 }, '\\d{1,15}'),
    validate: (value) => must(isAmount(value), `must be a whole number from 0 on${inOneWord(value)}`),
    coerce: wholeNumber,
  },
  'positive number': {
    kind: 'whole number',
    schema: numberSchema({ minimum: 1 }, '(?=.*[1-9])\\d{1,15}'),
    validate: (value) =>
      must(Number.isSafeInteger(value) && Number(value) > 0, `must be a whole number above 0${inOneWord(value)}`),
    coerce: wholeNumber,
  },
  prefetch: {
    kind: 'whole number',
    schema: numberSchema({ minimum: 1, maximum: 65_535 }, `(?=.*[1-9])0{0,10}${sixteenBits}`),
    validate: (value) =>
      must(
        Number.isInteger(value) && Number(value) > 0 && Number(value) <= 65_535,
        `must be a whole number from 1 to 65535${inOneWord(value)}`,
      ),
    coerce: wholeNumber,
  },
} satisfies Readonly<Record<string, Format>>;

/** `1.5h` as a number of the smallest unit; what isn't an amount stays as it is, for the check to refuse. */
function parseAmount(text: unknown, units: ReadonlyMap<string, number>): unknown {
  if (isBare(text)) return Number(text);
  const [, digits = '', name = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(text)) ?? [];
  const unit = units.get(name.toLowerCase());
  return digits === '' || unit === undefined ? text : Math.round(Number(digits) * unit);
}

/** An amount as people write it: in the largest unit that leaves a whole number. */
export function formatDuration(milliseconds: number): string | number {
  return inUnits(milliseconds, ['d', 'h', 'm', 's', 'ms'], durations);
}

/** The same of a size. */
export function formatSize(bytes: number): string | number {
  return inUnits(bytes, ['GiB', 'MiB', 'KiB', 'B'], sizes);
}

function inUnits(value: number, names: readonly string[], units: ReadonlyMap<string, number>): string | number {
  for (const name of names) {
    const size = units.get(name.toLowerCase()) ?? Number.NaN;
    if (value >= size && value % size === 0) return `${value / size}${name}`;
  }
  return value;
}

/**
 * A check of an amount as it is written: someone who writes 180 means days as often as seconds; 0 is the same in every unit.
 * @param examples stand in the error
 */
function needsUnit(examples: string): (value: unknown) => void {
  return (value) => {
    if (isBare(value) && Number(value) !== 0) throw new Error(`must have a unit, such as ${examples}`);
  };
}

/** The same of a time, in which M may be a minute or a month. */
function needsTimeUnit(examples: string): (value: unknown) => void {
  const mustHaveUnit = needsUnit(examples);
  return (value) => {
    mustHaveUnit(value);
    const [, count] = typeof value === 'string' ? (/^(\d+(?:\.\d+)?)\s*M$/.exec(value) ?? []) : [];
    if (count === undefined) return;
    const days = Math.round(Number(count) * 30);
    throw new Error(`has the unit M, which may be minutes or months: write ${count}m for minutes, ${days}d for months`);
  };
}

/** What people call our units, and units that we don't have. */
const otherUnits: readonly (readonly [count: number, unit: string, names: string])[] = [
  [1, 'ms', 'msec msecs millis millisecond milliseconds'],
  [1, 's', 'sec secs second seconds'],
  [1, 'm', 'min mins minute minutes'],
  [1, 'h', 'hr hrs hour hours'],
  [1, 'd', 'day days'],
  [7, 'd', 'w week weeks'],
  [30, 'd', 'mo month months'],
  [365, 'd', 'y yr year years'],
  [1, 'KiB', 'k ki kbyte kbytes'],
  [1, 'MiB', 'm mi mbyte mbytes'],
  [1, 'GiB', 'g gi gbyte gbytes'],
  [1024, 'GiB', 't ti tb tib'],
  [1, 'B', 'byte bytes'],
];

/** How an amount is written here that has the unit of somebody else, or a comma. */
function inOtherUnits(value: unknown, units: ReadonlyMap<string, number>): string {
  if (typeof value !== 'string') return '';
  const [, digits = '', written = ''] = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]+)\.?\s*$/i.exec(value) ?? [];
  const name = written.toLowerCase();
  const number = Number(digits.replace(',', '.'));
  if (units.has(name)) return digits.includes(',') ? `: write ${number}${written}` : '';
  const known = otherUnits.find(([, unit, names]) => units.has(unit.toLowerCase()) && names.split(' ').includes(name));
  return known === undefined ? '' : `: write ${number * known[0]}${known[1]}`;
}

/** A number as a program reads it, for one that people read: 10_000, 10,000, 10k. */
function inOneWord(value: unknown): string {
  if (typeof value !== 'string' || /^\d+$/.test(value)) return '';
  const [, digits, thousands] = /^\s*(\d{1,3}(?:[_,. ']?\d{3})*)\s*(k)?\s*$/i.exec(value) ?? [];
  return digits === undefined ? '' : `: write ${digits.replaceAll(/\D/g, '')}${thousands === undefined ? '' : '000'}`;
}

/** An amount with any of these units, or 0, as a JSON Schema. */
function unitSchema(units: ReadonlyMap<string, number>): object {
  const zero = '^0+(\\.0+)?$';
  return { anyOf: [{ type: 'string', pattern: `${zero}|^${withUnit(units)}` }, { const: 0 }] };
}

/** The same without 0. */
function positiveUnitSchema(units: ReadonlyMap<string, number>): object {
  return { type: 'string', pattern: `^(?=.*[1-9])${withUnit(units)}` };
}

function withUnit(units: ReadonlyMap<string, number>): string {
  // A capital M may be minutes or months.
  const names = [...units.keys()].map((name) => (name === 'm' ? name : anyCase(name)));
  return `\\d+(\\.\\d+)?\\s*(${names.join('|')})$`;
}

/** True for a number that has no unit. */
function isBare(value: unknown): boolean {
  return (typeof value === 'number' || typeof value === 'string') && /^\d+(\.\d+)?$/.test(String(value));
}

function wholeNumber(text: unknown): unknown {
  return /^\d{1,15}$/.test(String(text)) ? Number(text) : text;
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Node's timers count no further. */
function isTimer(value: unknown): value is number {
  return isAmount(value) && value <= 24 * 86_400_000;
}
