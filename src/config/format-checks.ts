import { anyCase } from '../common/options/json-schema.ts';
import { leadingTilde, unescapedAt } from '../common/options/value-checks.ts';
import { mappedTypes } from '../sinks/database/options.ts';

export const sqlName = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
export const columnSource = new RegExp(`^[a-z_]+(\\.[\\w-]+)*(\\s+(${mappedTypes.join('|')}))?$`);

export const percentage = /^(100|[1-9]\d?)\s*%$/;

export const rfc3339 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A path has no more room in a socket's address. */
export const socketPath = /^\/[^\0]{1,106}$/;
export const hostAndPort = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/;

/** Up to 65535, in 5 digits at most. */
export const sixteenBits = '(\\d{1,4}|[0-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])';

/** However many slashes there are. */
export const sqliteInHome = /^sqlite:\/{0,3}~([^/]*\/|$)/;

export const textSchema = { type: 'string', pattern: '\\S' };
export const urlSchema = (scheme: string) => ({ type: 'string', pattern: `^[\\x00-\\x20]*${anyCase(scheme)}` });
export const httpSchema = urlSchema('https?:');
/** What is in quotes, or comes from elsewhere as text, is read as a number. */
export const numberSchema = (limits: { minimum: number; maximum?: number }, digits: string) => ({
  anyOf: [
    { type: 'integer', maximum: Number.MAX_SAFE_INTEGER, ...limits },
    { type: 'string', pattern: `^${digits}$` },
  ],
});
export const namesSchema = { type: 'array', items: textSchema };
export const pathSchema = { ...textSchema, not: { type: 'string', pattern: leadingTilde.source } };
export const pathsSchema = { type: 'array', items: pathSchema };

export function wholeNumber(text: unknown): unknown {
  return /^\d{1,15}$/.test(String(text)) ? Number(text) : text;
}

export function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

export function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

export function isTime(value: unknown): boolean {
  return typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value));
}

/** Node's timers count no further. */
export function isTimer(value: unknown): value is number {
  return isAmount(value) && value <= 24 * 86_400_000;
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

export function hasUnescapedAt(value: unknown): boolean {
  return typeof value === 'string' && unescapedAt.test(value.trim());
}

export function isAmqpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (protocol === 'amqp:' || protocol === 'amqps:') && hostname !== '';
}

export function isListen(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (value === 'off' || socketPath.test(value)) return true;
  return hostAndPort.test(value) && Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535;
}

export function isDatabaseUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname, searchParams, pathname } = new URL(value);
  if (protocol === 'sqlite:') return hostname === '' && pathname.length > 1;
  if (!/^(postgres|postgresql|mysql|mariadb):$/.test(protocol)) return false;
  return hostname !== '' || searchParams.has('host');
}

export function isInHome(path: string): boolean {
  return leadingTilde.test(path);
}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
