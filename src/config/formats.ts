import convict from 'convict';
import type { Format, Option } from '../common/options/declare.ts';
import { amounts, formatDuration, formatSize } from './formats/amounts.ts';
import { mail } from './formats/mail.ts';
import { texts } from './formats/texts.ts';

/** Kinds of values that convict doesn't know, or takes too much for. */
export const formats: Readonly<Record<string, Format>> = { ...amounts, ...texts, ...mail };

convict.addFormats({ ...formats });

/** The name of an option's format among ours; undefined where it is none of them. */
export function formatOf({ format }: Option): string | undefined {
  if (format === Boolean) return 'boolean';
  return typeof format === 'string' && Object.hasOwn(formats, format) ? format : undefined;
}

/** True for an option that takes several values. */
export function isList(option: Option): boolean {
  return formats[formatOf(option) ?? '']?.isList === true;
}

/** A checked value as people write it: durations and sizes with the largest unit that leaves a whole number. */
export function formatValue(value: unknown, option: Option): unknown {
  if (typeof value !== 'number') return value;
  switch (formats[formatOf(option) ?? '']?.kind) {
    case 'duration':
      return formatDuration(value);
    case 'size':
      return formatSize(value);
    case 'percentage':
      return `${Math.round(value * 100)}%`;
    default:
      return value;
  }
}
