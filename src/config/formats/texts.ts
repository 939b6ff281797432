import { reasonOf } from '../../common/errors.ts';
import { parametersOf } from '../../common/net/amqp-url.ts';
import { postgresServers } from '../../common/net/postgres-url.ts';
import type { Format } from '../../common/options/declare.ts';
import {
  anyCase,
  leadingTilde,
  leadingTildeMessage,
  must,
  unescapedAt,
  unescapedAtMessage,
} from '../../common/options/value-checks.ts';
import { isPasswordHash } from '../../common/password-hash.ts';
import { hoursForm, readHours } from '../../common/text/hours.ts';
import { mappedTypes } from '../../sinks/database/options.ts';
import { sixteenBits } from './amounts.ts';

const sqlName = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
const daemonName = /^[A-Za-z0-9][\w.-]{0,63}$/;
const columnSource = new RegExp(`^[a-z_]+(\\.[\\w-]+)*(\\s+(${mappedTypes.join('|')}))?$`);
const rfc3339 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;
/** A path has no more room in a socket's address. */
const socketPath = /^\/[^\0]{1,106}$/;
/** Printable ASCII: RFC 5424, section 6. */
const syslogName = /^[\x21-\x7e]{1,48}$/;
const structuredDataId = /^[\x21\x23-\x3c\x3e-\x3f\x41-\x5c\x5e-\x7e]{1,26}@\d{1,5}(\.\d{1,3})*$/;
const syslogUrl = /^((tcp|tls|udp):\/\/(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}|unix:\/\/\/[^\0]{1,106})$/;
const hostAndPort = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/;
/** However many slashes there are. */
const sqliteInHome = /^sqlite:\/{0,3}~([^/]*\/|$)/;
const textSchema = { type: 'string', pattern: '\\S' };
const urlSchema = (scheme: string) => ({ type: 'string', pattern: `^[\\x00-\\x20]*${anyCase(scheme)}` });
const httpSchema = urlSchema('https?:');
const namesSchema = { anyOf: [textSchema, { type: 'array', items: textSchema }] };
const pointerSchema = { type: 'string', pattern: '^/' };
const pathSchema = { ...textSchema, not: { type: 'string', pattern: leadingTilde.source } };
const pathsSchema = { anyOf: [pathSchema, { type: 'array', items: pathSchema }] };

/** Texts: names, paths, addresses and words. */
export const texts = {
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
    coerce: listOfOne,
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
    coerce: listOfOne,
  },
  pointers: {
    kind: 'list',
    schema: { anyOf: [pointerSchema, { type: 'array', items: pointerSchema }] },
    isList: true,
    validate: (value) =>
      must(
        isNames(value) && value.every((pointer) => pointer.startsWith('/')),
        'must be a list of JSON Pointers such as /voicemail_transcription, as "kazoo-relay drift" shows them',
      ),
    coerce: listOfOne,
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
  listen: {
    kind: 'address',
    schema: {
      type: 'string',
      pattern: `^off$|${socketPath.source}|${hostAndPort.source.replace('\\d{1,5}', sixteenBits)}`,
    },
    validate: (value) =>
      must(isListen(value), 'must be an address and a port such as 127.0.0.1:9400, the path of a Unix socket, or off'),
  },
  'password hash': {
    kind: 'hash',
    schema: { ...textSchema, pattern: '^scrypt\\$' },
    validate: (value) => must(isText(value) && isPasswordHash(value), 'must be a hash that "kazoo-relay user" prints'),
  },
  'amqp url': {
    kind: 'URL',
    schema: { ...urlSchema('amqps?://[^/?#]'), not: { pattern: unescapedAt.source } },
    validate: (value) => {
      must(!hasUnescapedAt(value), unescapedAtMessage);
      must(
        isAmqpUrl(value),
        `must be a URL such as amqp://user:password@host:5672 or amqps://…${missingScheme(value)}`,
      );
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
  'journal url': {
    kind: 'URL',
    schema: { ...urlSchema('postgres(ql)?://[^?#]'), not: { pattern: unescapedAt.source } },
    validate: (value) => {
      must(!hasUnescapedAt(value), unescapedAtMessage);
      must(
        typeof value === 'string' && /^\s*postgres(ql)?:\/\//i.test(value),
        'must be a URL such as postgres://user:password@host:5432/database',
      );
      must(databaseOf(value) !== undefined, 'must name the database: postgres://user:password@host:5432/database');
    },
  },
  'syslog url': {
    kind: 'URL',
    schema: { type: 'string', pattern: syslogUrl.source.replace('\\d{1,5}', sixteenBits) },
    validate: (value) =>
      must(
        isText(value) && syslogUrl.test(value) && !(Number(/:(\d+)$/.exec(value)?.[1] ?? 1) > 65_535),
        'must be a URL such as tls://host:6514, tcp://host:601, udp://host:514 or unix:///dev/log',
      ),
  },
  'syslog name': {
    kind: 'text',
    schema: { type: 'string', pattern: syslogName.source },
    validate: (value) =>
      must(isText(value) && syslogName.test(value), 'must be 1 to 48 printable characters of ASCII, without spaces'),
  },
  'syslog sd-id': {
    kind: 'text',
    schema: { type: 'string', pattern: structuredDataId.source },
    validate: (value) =>
      must(isText(value) && structuredDataId.test(value), 'must be a name, @ and a number, such as kazoo@32473'),
  },
  'daemon name': {
    kind: 'name',
    schema: { type: 'string', pattern: daemonName.source },
    validate: (value) =>
      must(
        typeof value === 'string' && daemonName.test(value),
        'must be a name of letters, digits, dots, - and _, 64 at most',
      ),
  },
  // The sink that has them checks the rest of these two.
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
  hours: {
    kind: 'days and hours',
    schema: { type: 'string', pattern: hoursForm.source },
    validate: (value) =>
      must(
        typeof value === 'string' && readHours(value) !== undefined,
        'must be days, hours, or both, such as Mon-Fri 08:00-18:00',
      ),
  },
  // convict's own makes true of "no".
  boolean: {
    kind: 'true or false',
    schema: { anyOf: [{ type: 'boolean' }, { enum: ['true', 'false'] }] },
    validate: (value) => {
      const meant = truths.get(String(value).toLowerCase());
      must(typeof value === 'boolean', `must be true or false${meant === undefined ? '' : `: write ${meant}`}`);
    },
    coerce: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  },
  patterns: {
    kind: 'list',
    schema: pathsSchema,
    isList: true,
    validate(value) {
      must(isNames(value), 'must be a pattern of file names, or a list of them');
      must(!value.some(isInHome), leadingTildeMessage);
    },
    coerce: listOfOne,
  },
} satisfies Readonly<Record<string, Format>>;

/** What YAML 1.1 and people take for true and false. */
const truths: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'y', 'on', '1', 'enabled'].map((word) => [word, true] as const),
  ...['false', 'no', 'n', 'off', '0', 'disabled'].map((word) => [word, false] as const),
]);

/** One name is written without its list too. */
function listOfOne(value: unknown): unknown {
  return isText(value) ? [value] : value;
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function hasUnescapedAt(value: unknown): boolean {
  return typeof value === 'string' && unescapedAt.test(value.trim());
}

function isAmqpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (protocol === 'amqp:' || protocol === 'amqps:') && hostname !== '';
}

/** @throws Error that says why the URL can't be used */
function databaseOf(url: string): string | undefined {
  try {
    return postgresServers(url)[0]?.database;
  } catch (cause) {
    throw new Error(`can't be used: ${reasonOf(cause)}`, { cause });
  }
}

/** A host and its port, without what must stand in front. */
function missingScheme(value: unknown): string {
  const isBare =
    typeof value === 'string' && !value.includes('://') && /^([^\s/@]+@)?[\w.-]+(:\d+)?(\/\S*)?$/.test(value);
  return isBare ? '; amqp:// is missing in front' : '';
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
  return leadingTilde.test(path);
}
