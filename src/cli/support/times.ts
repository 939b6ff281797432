import { InvalidArgumentError } from 'commander';
import { type TimeZoneOption, timeBefore } from '../../common/text/times.ts';

/** A time that was given: Unix milliseconds, once it is known in which time zone it is meant. */
export type Moment = (zone: TimeZoneOption) => number;

/** The forms of a time, for the help of options. */
export const momentHelp = '30m, 2h, 7d, today, yesterday, 2026-11-24, or 2026-11-24T08:00';

/**
 * The parser of every option that takes a time: a span before now, a day from its midnight on, or RFC 3339, also without
 * seconds or offset.
 */
export function moment(text: string): Moment {
  const [local, inUtc] = [timeBefore(text, {}), timeBefore(text, { utc: true })];
  if (local === undefined || inUtc === undefined)
    throw new InvalidArgumentError(`It must be a time, such as ${momentHelp}.`);
  return ({ utc }) => (utc ? inUtc : local);
}
