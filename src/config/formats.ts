import convict from 'convict';
import { parametersOf } from '../common/net/amqp-url.ts';
import type { Option } from '../common/options/declare.ts';
import { anyCase } from '../common/options/json-schema.ts';
import { strayAt, strayAtMessage, strayTilde, strayTildeMessage } from '../common/options/value-checks.ts';
import { mappedTypes } from '../sinks/database/options.ts';
import { amount, durations, needsUnit, positiveUnitSchema, sizes, unitSchema } from './units.ts';

/** A kind of value. */
interface Format {
  /** What the reference calls it. */
  readonly kind: string;
  /** What an editor may know of it: JSON Schema. */
  readonly schema: object;
  /** True where a text from elsewhere than the file means several values, with commas between them. */
  readonly isList?: true;
  /** @throws Error that says what is allowed, without the value: it may be a secret */
  validate(value: unknown): void;
  /** Turns what people write into what the program uses; what it can't read, it leaves for `validate` to refuse. */
  coerce?(text: unknown): unknown;
  /** As `validate`, for what can be told only of the value as it is written, before `coerce`. */
  validateWritten?(value: unknown): void;
}

const sqlName = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
const columnSource = new RegExp(`^[a-z_]+(\\.[\\w-]+)*(\\s+(${mappedTypes.join('|')}))?$`);

const percentage = /^(100|[1-9]\d?)\s*%$/;

const rfc3339 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A path has no more room in a socket's address. */
const socketPath = /^\/[^\0]{1,106}$/;
const hostAndPort = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/;

/** Up to 65535, in 5 digits at most. */
const sixteenBits = '(\\d{1,4}|[0-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])';

/** However many slashes there are. */
const sqliteInHome = /^sqlite:\/{0,3}~([^/]*\/|$)/;

const textSchema = { type: 'string', pattern: '\\S' };
const urlSchema = (scheme: string) => ({ type: 'string', pattern: `^[\\x00-\\x20]*${anyCase(scheme)}` });
const httpSchema = urlSchema('https?:');
/** What is in quotes, or comes from elsewhere as text, is read as a number. */
const numberSchema = (limits: { minimum: number; maximum?: number }, digits: string) => ({
  anyOf: [
    { type: 'integer', maximum: Number.MAX_SAFE_INTEGER, ...limits },
    { type: 'string', pattern: `^${digits}$` },
  ],
});
const namesSchema = { type: 'array', items: textSchema };
const pathSchema = { ...textSchema, not: { type: 'string', pattern: strayTilde.source } };
const pathsSchema = { type: 'array', items: pathSchema };

/** Kinds of values that convict doesn't know, or takes too much for. */
export const formats: Readonly<Record<string, Format>> = {
  duration: {
    kind: 'duration',
    schema: unitSchema(durations),
    validate: (value) => must(isTimer(value), 'must be a duration such as 500ms, 30s, 5m, 2h or 7d, 24d at most'),
    coerce: (text) => amount(text, durations),
    validateWritten: needsUnit('5m, 30s or 500ms'),
  },
  age: {
    kind: 'duration',
    schema: unitSchema(durations),
    validate: (value) => must(isAmount(value), 'must be an age such as 12h, 30d or 365d'),
    coerce: (text) => amount(text, durations),
    validateWritten: needsUnit('180d, 12h or 30m'),
  },
  size: {
    kind: 'size',
    schema: unitSchema(sizes),
    validate: (value) => must(isAmount(value), 'must be a size such as 512KiB, 64MiB, 10GiB or 100MB'),
    coerce: (text) => amount(text, sizes),
    validateWritten: needsUnit('10GiB or 64MiB'),
  },
  'positive size': {
    kind: 'size',
    schema: positiveUnitSchema(sizes),
    validate: (value) =>
      must(isAmount(value) && value > 0, 'must be a size above 0, such as 512KiB, 64MiB, 10GiB or 100MB'),
    coerce: (text) => amount(text, sizes),
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
  text: {
    kind: 'text',
    schema: textSchema,
    validate: (value) => must(isText(value), 'must be text'),
  },
  names: {
    kind: 'list',
    schema: namesSchema,
    isList: true,
    validate: (value) => must(isNames(value), 'must be a list of names'),
  },
  path: {
    kind: 'path',
    schema: pathSchema,
    validate(value) {
      must(isText(value), 'must be text');
      must(!isInHome(value), strayTildeMessage);
    },
  },
  paths: {
    kind: 'list',
    schema: pathsSchema,
    isList: true,
    validate(value) {
      must(isNames(value), 'must be a list of paths');
      must(!value.some(isInHome), strayTildeMessage);
    },
  },
  heartbeat: {
    kind: 'duration',
    schema: positiveUnitSchema(durations),
    validate: (value) =>
      must(
        isAmount(value) && value % 1000 === 0 && value >= 1000 && value < 10_000,
        'must be whole seconds, from 1s to 9s',
      ),
    coerce: (text) => amount(text, durations),
    validateWritten: needsUnit('5s'),
  },
  'positive number': {
    kind: 'whole number',
    schema: numberSchema({ minimum: 1 }, '(?=.*[1-9])\\d{1,15}'),
    validate: (value) => must(Number.isSafeInteger(value) && Number(value) > 0, 'must be a whole number above 0'),
    coerce: wholeNumber,
  },
  'positive duration': {
    kind: 'duration',
    schema: positiveUnitSchema(durations),
    validate: (value) =>
      must(isTimer(value) && value > 0, 'must be a duration above 0, such as 500ms, 30s or 5m, 24d at most'),
    coerce: (text) => amount(text, durations),
    validateWritten: needsUnit('5m, 30s or 500ms'),
  },
  // RabbitMQ keeps what begins with amq. for itself.
  'queue name': {
    kind: 'text',
    schema: { ...textSchema, maxLength: 255, not: { type: 'string', pattern: '^amq\\.' } },
    validate: (value) =>
      must(
        isText(value) && Buffer.byteLength(value) <= 255 && !value.startsWith('amq.'),
        'must be text of 255 bytes at most, without amq. in front',
      ),
  },
  prefetch: {
    kind: 'whole number',
    schema: numberSchema({ minimum: 1, maximum: 65_535 }, `(?=.*[1-9])0{0,10}${sixteenBits}`),
    validate: (value) =>
      must(
        Number.isInteger(value) && Number(value) > 0 && Number(value) <= 65_535,
        'must be a whole number from 1 to 65535',
      ),
    coerce: wholeNumber,
  },
  listen: {
    kind: 'address',
    schema: {
      type: 'string',
      pattern: `^off$|${socketPath.source}|${hostAndPort.source.replace('\\d{1,5}', sixteenBits)}`,
    },
    validate: (value) =>
      must(isListen(value), 'must be an address and a port such as 127.0.0.1:9400, the path of a Unix socket, or off'),
  },
  'amqp url': {
    kind: 'URL',
    schema: { ...urlSchema('amqps?://[^/?#]'), not: { pattern: strayAt.source } },
    validate: (value) => {
      must(!hasStrayAt(value), strayAtMessage);
      must(isAmqpUrl(value), 'must be a URL such as amqp://user:password@host:5672 or amqps://…');
      parametersOf(new URL(String(value)));
    },
  },
  'database url': {
    kind: 'URL',
    schema: {
      ...urlSchema('(postgres|postgresql|mysql|mariadb|sqlite):'),
      // SQLite has no users, and its path may have any letter.
      anyOf: [{ pattern: `^${anyCase('sqlite')}:` }, { not: { pattern: strayAt.source } }],
      not: { pattern: sqliteInHome.source },
    },
    validate: (value) => {
      must(!hasStrayAt(value) || /^sqlite:/i.test(String(value)), strayAtMessage);
      must(!sqliteInHome.test(String(value)), `has a path that ${strayTildeMessage}`);
      must(isDatabaseUrl(value), 'must be a URL such as postgres://user:password@host:5432/database or sqlite:///path');
    },
  },
  // What else there is to say of these two, the sink says that has them.
  'http url': {
    kind: 'URL',
    schema: httpSchema,
    validate: (value) => must(isText(value), 'must be text'),
  },
  proxy: {
    kind: 'URL',
    schema: { anyOf: [httpSchema, { enum: ['environment', 'none'] }] },
    validate: (value) => must(isText(value), 'must be text'),
  },
  'sql name': {
    kind: 'name',
    schema: { type: 'string', pattern: sqlName.source },
    validate: (value) =>
      must(typeof value === 'string' && sqlName.test(value), 'must be a name of letters, digits and _, 40 at most'),
  },
  column: {
    kind: 'path and type',
    schema: { type: 'string', pattern: columnSource.source },
    validate: (value) =>
      must(
        typeof value === 'string' && columnSource.test(value),
        `must be a path into the envelope and a type: data.caller_id_number text. Types are ${mappedTypes.join(', ')}`,
      ),
  },
  'file mode': {
    kind: 'four octal digits',
    schema: { type: 'string', pattern: '^0[0-7]{3}$' },
    validate: (value) =>
      must(
        typeof value === 'string' && /^0[0-7]{3}$/.test(value),
        "must be four octal digits in quotes, such as '0640'",
      ),
  },
  start: {
    kind: 'now, earliest or a time',
    schema: { type: 'string', pattern: `^(now|earliest)$|${rfc3339.source}` },
    validate: (value) =>
      must(
        value === 'now' || value === 'earliest' || isTime(value),
        'must be now, earliest, or a time such as 2026-11-24T10:00:00Z',
      ),
  },
  // These two are convict's own; its versions make 14 of "14 days", and true of "no".
  nat: {
    kind: 'whole number',
    schema: numberSchema({ minimum: 0 }, '\\d{1,15}'),
    validate: (value) => must(isAmount(value), 'must be a whole number from 0 on'),
    coerce: wholeNumber,
  },
  boolean: {
    kind: 'true or false',
    schema: { anyOf: [{ type: 'boolean' }, { enum: ['true', 'false'] }] },
    validate: (value) => must(typeof value === 'boolean', 'must be true or false'),
    coerce: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  },
  patterns: {
    kind: 'list',
    schema: { anyOf: [pathSchema, pathsSchema] },
    isList: true,
    validate(value) {
      must(isNames(value), 'must be a pattern of file names, or a list of them');
      must(!value.some(isInHome), strayTildeMessage);
    },
    coerce: (text) => [text],
  },
};

convict.addFormats({ ...formats });

function wholeNumber(text: unknown): unknown {
  return /^\d{1,15}$/.test(String(text)) ? Number(text) : text;
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
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

function hasStrayAt(value: unknown): boolean {
  return typeof value === 'string' && strayAt.test(value.trim());
}

function isAmqpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (protocol === 'amqp:' || protocol === 'amqps:') && hostname !== '';
}

function isListen(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (value === 'off' || socketPath.test(value)) return true;
  return hostAndPort.test(value) && Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535;
}

function isDatabaseUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname, searchParams, pathname } = new URL(value);
  if (protocol === 'sqlite:') return hostname === '' && pathname.length > 1;
  if (!/^(postgres|postgresql|mysql|mariadb):$/.test(protocol)) return false;
  return hostname !== '' || searchParams.has('host');
}

function isInHome(path: string): boolean {
  return strayTilde.test(path);
}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** The name of an option's format among ours; undefined where it is none of them. */
export function formatOf({ format }: Option): string | undefined {
  if (format === Boolean) return 'boolean';
  return typeof format === 'string' && Object.hasOwn(formats, format) ? format : undefined;
}

/** True for an option that takes several values. */
export function isList(option: Option): boolean {
  return formats[formatOf(option) ?? '']?.isList === true;
}
