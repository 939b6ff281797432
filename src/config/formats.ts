import convict from 'convict';
import { parametersOf } from '../common/net/amqp-url.ts';
import type { Option } from '../common/options/declare.ts';
import { anyCase } from '../common/options/json-schema.ts';
import { leadingTildeMessage, unescapedAt, unescapedAtMessage } from '../common/options/value-checks.ts';
import { mappedTypes } from '../sinks/database/options.ts';
import {
  columnSource,
  hasUnescapedAt,
  hostAndPort,
  httpSchema,
  isAmount,
  isAmqpUrl,
  isDatabaseUrl,
  isInHome,
  isListen,
  isNames,
  isText,
  isTime,
  isTimer,
  must,
  namesSchema,
  numberSchema,
  pathSchema,
  pathsSchema,
  percentage,
  rfc3339,
  sixteenBits,
  socketPath,
  sqliteInHome,
  sqlName,
  textSchema,
  urlSchema,
  wholeNumber,
} from './format-checks.ts';
import {
  durations,
  formatDuration,
  formatSize,
  needsUnit,
  parseAmount,
  positiveUnitSchema,
  sizes,
  unitSchema,
} from './units.ts';

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
  /** As `validate`, for what only the value as it is written shows, before `coerce`. */
  validateWritten?(value: unknown): void;
}

/** Kinds of values that convict doesn't know, or takes too much for. */
export const formats: Readonly<Record<string, Format>> = {
  duration: {
    kind: 'duration',
    schema: unitSchema(durations),
    validate: (value) => must(isTimer(value), 'must be a duration such as 500ms, 30s, 5m, 2h or 7d, 24d at most'),
    coerce: (text) => parseAmount(text, durations),
    validateWritten: needsUnit('5m, 30s or 500ms'),
  },
  age: {
    kind: 'duration',
    schema: unitSchema(durations),
    validate: (value) => must(isAmount(value), 'must be an age such as 12h, 30d or 365d'),
    coerce: (text) => parseAmount(text, durations),
    validateWritten: needsUnit('180d, 12h or 30m'),
  },
  size: {
    kind: 'size',
    schema: unitSchema(sizes),
    validate: (value) => must(isAmount(value), 'must be a size such as 512KiB, 64MiB, 10GiB or 100MB'),
    coerce: (text) => parseAmount(text, sizes),
    validateWritten: needsUnit('10GiB or 64MiB'),
  },
  'positive size': {
    kind: 'size',
    schema: positiveUnitSchema(sizes),
    validate: (value) =>
      must(isAmount(value) && value > 0, 'must be a size above 0, such as 512KiB, 64MiB, 10GiB or 100MB'),
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
      must(!isInHome(value), leadingTildeMessage);
    },
  },
  paths: {
    kind: 'list',
    schema: pathsSchema,
    isList: true,
    validate(value) {
      must(isNames(value), 'must be a list of paths');
      must(!value.some(isInHome), leadingTildeMessage);
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
    coerce: (text) => parseAmount(text, durations),
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
    coerce: (text) => parseAmount(text, durations),
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
    schema: { ...urlSchema('amqps?://[^/?#]'), not: { pattern: unescapedAt.source } },
    validate: (value) => {
      must(!hasUnescapedAt(value), unescapedAtMessage);
      must(isAmqpUrl(value), 'must be a URL such as amqp://user:password@host:5672 or amqps://…');
      parametersOf(new URL(String(value)));
    },
  },
  'database url': {
    kind: 'URL',
    schema: {
      ...urlSchema('(postgres|postgresql|mysql|mariadb|sqlite):'),
      // SQLite has no users, and its path may have any letter.
      anyOf: [{ pattern: `^${anyCase('sqlite')}:` }, { not: { pattern: unescapedAt.source } }],
      not: { pattern: sqliteInHome.source },
    },
    validate: (value) => {
      must(!hasUnescapedAt(value) || /^sqlite:/i.test(String(value)), unescapedAtMessage);
      must(!sqliteInHome.test(String(value)), `has a path that ${leadingTildeMessage}`);
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
      must(!value.some(isInHome), leadingTildeMessage);
    },
    coerce: (text) => [text],
  },
};

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
