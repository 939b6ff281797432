import convict from 'convict';
import { mappedTypes } from '../sinks/database/table.ts';

/** Kinds of values that convict doesn't know. A `coerce` turns what people write into what the program uses. */
convict.addFormats({
  duration: {
    validate: (value: unknown) =>
      must(isTimer(value), 'must be a duration such as 500ms, 30s, 5m, 2h or 7d, 24d at most'),
    coerce: (text: unknown) => amount(text, durations),
  },
  age: {
    validate: (value: unknown) => must(isAmount(value), 'must be an age such as 12h, 30d or 365d'),
    coerce: (text: unknown) => amount(text, durations),
  },
  size: {
    validate: (value: unknown) => must(isAmount(value), 'must be a size such as 512KiB, 64MiB, 10GiB or 100MB'),
    coerce: (text: unknown) => amount(text, sizes),
  },
  'positive size': {
    validate: (value: unknown) =>
      must(isAmount(value) && value > 0, 'must be a size above 0, such as 512KiB, 64MiB, 10GiB or 100MB'),
    coerce: (text: unknown) => amount(text, sizes),
  },
  text: {
    validate: (value: unknown) => must(isText(value), 'must be text'),
  },
  names: {
    validate: (value: unknown) => must(Array.isArray(value) && value.every(isText), 'must be a list of names'),
  },
  heartbeat: {
    validate: (value: unknown) =>
      must(
        isAmount(value) && value % 1000 === 0 && value >= 1000 && value < 10_000,
        'must be whole seconds, from 1s to 9s',
      ),
    coerce: (text: unknown) => amount(text, durations),
  },
  'positive number': {
    validate: (value: unknown) =>
      must(Number.isSafeInteger(value) && Number(value) > 0, 'must be a whole number above 0'),
  },
  'positive duration': {
    validate: (value: unknown) =>
      must(isTimer(value) && value > 0, 'must be a duration above 0, such as 500ms, 30s or 5m, 24d at most'),
    coerce: (text: unknown) => amount(text, durations),
  },
  prefetch: {
    validate: (value: unknown) =>
      must(
        Number.isInteger(value) && Number(value) > 0 && Number(value) <= 65_535,
        'must be a whole number from 1 to 65535',
      ),
  },
  listen: {
    validate: (value: unknown) =>
      must(isListen(value), 'must be an address and a port such as 127.0.0.1:9400, the path of a Unix socket, or off'),
    // To YAML 1.1 off is false: so it is for some tools that write the file.
    coerce: (value: unknown) => (value === false ? 'off' : value),
  },
  'amqp url': {
    validate: (value: unknown) =>
      must(isAmqpUrl(value), 'must be a URL such as amqp://user:password@host:5672 or amqps://…'),
  },
  'database url': {
    validate: (value: unknown) =>
      must(isDatabaseUrl(value), 'must be a URL such as postgres://user:password@host:5432/database or sqlite:///path'),
  },
  'sql name': {
    validate: (value: unknown) =>
      must(
        typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(value),
        'must be a name of letters, digits and _, 40 at most',
      ),
  },
  column: {
    validate: (value: unknown) =>
      must(
        typeof value === 'string' && columnSource.test(value),
        `must be a path into the envelope and a type: data.caller_id_number text. Types are ${mappedTypes.join(', ')}`,
      ),
  },
  'file mode': {
    validate: (value: unknown) =>
      must(
        typeof value === 'string' && /^0[0-7]{3}$/.test(value),
        "must be four octal digits in quotes, such as '0640'",
      ),
  },
  start: {
    validate: (value: unknown) =>
      must(
        value === 'now' || value === 'earliest' || isTime(value),
        'must be now, earliest, or a time such as 2026-11-24T10:00:00Z',
      ),
  },
});

const durations = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const sizes = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
]);

/** `1.5h` as a number of the smallest unit; what isn't an amount stays as it is, for the check to refuse. */
function amount(text: unknown, units: ReadonlyMap<string, number>): unknown {
  const [, digits = '', name = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(text)) ?? [];
  const unit = units.get(name.toLowerCase());
  return digits === '' || unit === undefined ? text : Math.round(Number(digits) * unit);
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value));
}

/** Node's timers count no further. */
function isTimer(value: unknown): value is number {
  return isAmount(value) && value <= 24 * 86_400_000;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function isAmqpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (protocol === 'amqp:' || protocol === 'amqps:') && hostname !== '';
}

function isListen(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (value === 'off' || /^\/[^\0]{1,106}$/.test(value)) return true;
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(value) ?? [];
  return host !== '' && Number(port) <= 65_535;
}

function isDatabaseUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname, searchParams, pathname } = new URL(value);
  if (protocol === 'sqlite:') return hostname === '' && pathname.length > 1;
  if (!/^(postgres|postgresql|mysql|mariadb):$/.test(protocol)) return false;
  return hostname !== '' || searchParams.has('host');
}

const columnSource = new RegExp(`^[a-z_]+(\\.[\\w-]+)*(\\s+(${mappedTypes.join('|')}))?$`);

const rfc3339 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
