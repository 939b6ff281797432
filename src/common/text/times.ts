/** Whether times are those of UTC, where a command reads and shows them; else they are the machine's own. */
export interface TimeZoneOption {
  readonly utc?: boolean | undefined;
}

/**
 * A time that somebody wrote, in Unix milliseconds: a span before now, a day from its midnight on, or RFC 3339, also without
 * seconds or offset. Undefined where it is none.
 */
export function timeBefore(text: string, { utc = false }: { readonly utc?: boolean | undefined }): number | undefined {
  const time = spanBefore(text) ?? midnight(text, utc) ?? timeIn(text, utc);
  return Number.isNaN(time) ? undefined : time;
}

function spanBefore(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Date.now() - Number(amount) * (milliseconds[unit] ?? Number.NaN);
}

const milliseconds: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** As a calendar has it: a day may have 23 or 25 hours. */
function midnight(text: string, utc: boolean): number | undefined {
  const before = { today: 0, yesterday: 1 }[text];
  if (before === undefined) return undefined;
  const day = new Date();
  if (utc) return day.setUTCHours(0, 0, 0, 0) - before * 86_400e3;
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - before).getTime();
}

/** What `Date` would guess beyond that is refused. */
function timeIn(text: string, utc: boolean): number {
  const [, date, time, offset] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/i.exec(text) ?? [];
  if (date === undefined) return Number.NaN;
  // Without an offset, `Date` takes a time for a local one.
  return Date.parse(`${date}T${time ?? '00:00'}${offset ?? (utc ? 'Z' : '')}`.toUpperCase());
}

/** `2026-11-24T08:00:00.123+01:00`, or with `Z`: each option that takes a time takes it. */
export function fullTime(at: number, { utc }: TimeZoneOption): string {
  const time = new Date(at);
  if (utc) return time.toISOString();
  const offset = -time.getTimezoneOffset();
  const local = new Date(at + offset * 60e3).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${local}${offset < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(minutes)}`;
}

/** The same for a column of 12 characters: `08:00:00` today, else `24 Nov 08:00`, or `24 Nov 2025`. */
export function shortTime(at: number, zone: TimeZoneOption, now = Date.now()): string {
  const [time, today] = [fullTime(at, zone), fullTime(now, zone)];
  if (time.slice(0, 10) === today.slice(0, 10)) return time.slice(11, 19);
  const [year, month, day] = time.slice(0, 10).split('-');
  return `${day} ${months[Number(month) - 1]} ${year === today.slice(0, 4) ? time.slice(11, 16) : year}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `5 s`, `12 min`, `3 h`, `6 d`. */
export function span(millis: number): string {
  const seconds = Math.max(0, Math.round(millis / 1e3));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
