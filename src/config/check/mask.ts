import { strayAt } from '../../common/options/value-checks.ts';

/** What a secret is shown as. */
export const masked = '***';

/**
 * A sensitive value, fit to be shown: of a URL all but what may be a secret in it, which is the password, a user
 * without one, the values in its query and, as chat services take them for passwords, long parts of an HTTP path; of
 * anything else nothing.
 */
export function mask(value: unknown): string {
  if (typeof value !== 'string' || !URL.canParse(value)) return masked;
  const url = new URL(value);
  if (url.protocol === 'sqlite:' && isPath(url)) return `${value.replace(/[?#].*$/s, '')}${queryOf(url, false)}`;
  // Without "//" it is no address of a host, and anything may be anywhere in it.
  if (!/^[a-z0-9+.-]+:\/\//i.test(value)) return masked;
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  // Part of a password may stand where the host should.
  if (/@/.test(url.pathname) || (!isHttp && strayAt.test(value))) return masked;
  const path = isHttp ? url.pathname.split('/').map(withoutToken).join('/') : url.pathname;
  return `${url.protocol}//${loginOf(url)}${url.host}${path}${queryOf(url, isHttp)}`;
}

/** Nobody logs in to SQLite; what has an @ may yet be the login of another database. */
function isPath({ host, pathname }: URL): boolean {
  return host === '' && (pathname.startsWith('/') || !pathname.includes('@'));
}

function loginOf({ username, password }: URL): string {
  if (username === '' && password === '') return '';
  return password === '' ? `${masked}@` : `${username}:${masked}@`;
}

/** Characters from which on a part of a path may be a token; `{account_id}` and its kind are none. */
const shortestToken = 16;

function withoutToken(part: string): string {
  const bare = part.replaceAll(/%7B[a-z_]+%7D/gi, '');
  return bare.length >= shortestToken ? masked : part.replaceAll(/%7B([a-z_]+)%7D/gi, '{$1}');
}

/** Of a database's URL, what says how to connect is shown; of any other, names only. */
const harmless = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host'];

function queryOf({ search, searchParams }: URL, isHttp: boolean): string {
  if (search === '') return '';
  const isShown = (name: string) => !isHttp && harmless.includes(name);
  return `?${[...searchParams].map(([name, value]) => `${name}=${isShown(name) ? value : masked}`).join('&')}`;
}
