import { InvalidArgumentError } from 'commander';

/** Values with commas, or given again. */
export function list(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, ...value.split(',').map((item) => item.trim())].filter((item) => item !== '');
}

/** A whole number from 0 on. */
export function count(value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a whole number from 0 on.');
}

/** A time, or a span before now, as Unix milliseconds. */
export function moment(value: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
  const time = amount === undefined ? timeOf(value) : Date.now() - Number(amount) * (milliseconds[unit] ?? Number.NaN);
  if (!Number.isNaN(time)) return time;
  throw new InvalidArgumentError(
    'It must be a span such as 30s, 30m, 2h or 7d, or a time such as 2026-11-24T08:00:00Z.',
  );
}

const milliseconds: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** RFC 3339, or just its date; what `Date` would guess beyond that is refused. */
function timeOf(value: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/i.test(value);
  return isTime ? Date.parse(value) : Number.NaN;
}
