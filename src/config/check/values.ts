import type { Option } from '../../common/options/declare.ts';
import { formatOf, formats } from '../formats.ts';

/** A checked value as people write it: durations and sizes with the largest unit that leaves a whole number. */
export function asWritten(value: unknown, option: Option): unknown {
  if (typeof value !== 'number') return value;
  switch (formats[formatOf(option) ?? '']?.kind) {
    case 'duration':
      return inUnits(value, durations);
    case 'size':
      return inUnits(value, sizes);
    case 'percentage':
      return `${Math.round(value * 100)}%`;
    default:
      return value;
  }
}

function inUnits(value: number, units: readonly (readonly [string, number])[]): string | number {
  const unit = units.find(([, size]) => value >= size && value % size === 0);
  return unit === undefined ? value : `${value / unit[1]}${unit[0]}`;
}

const durations = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;
const sizes = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['B', 1],
] as const;
