import { isOption, isOptionList, isOptionMap, type OptionNode, type OptionTree } from '../../common/options/declare.ts';
import { isMapping, unescapedAt } from '../../common/options/value-checks.ts';
import { isSecretParameter, wordsOf } from '../../kazoo/secrets.ts';
import type { Issue, OptionPath } from '../diagnostics.ts';
import type { MergedSources } from '../read/merge-sources.ts';
import { leavesIn, leavesOf, valueAt } from '../read/tree.ts';

/** The text shown for a secret. */
export const masked = '***';

/** Characters from which on a text may be a token. */
const shortestToken = 16;

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
  if (/@/.test(url.pathname) || (!isHttp && unescapedAt.test(value))) return masked;
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

/** @param part of a path; `{account_id}` and its kind are no token */
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

/** Secrets that stand in clear text in a file that every user of the machine may read. */
export function secretsInClearText({ value, originOf }: MergedSources): Issue[] {
  const secrets = leavesIn(value).flatMap(({ path, node }) => secretsAt(path, node, valueAt(value, path)));
  return secrets
    .filter((path) => originOf(path)?.isPublic)
    .map((path) => ({
      path,
      message:
        'is a secret in clear text, and every user of this machine may read the file: ' +
        `chmod o-r it, or take the secret from \${file:…} or \${credential:…}`,
    }));
}

function secretsAt(path: OptionPath, node: OptionNode, value: unknown): OptionPath[] {
  if (value === undefined || value === null) return [];
  // Each of several may come from elsewhere.
  if (isOption(node) && Array.isArray(value))
    return value.flatMap((item, index) => secretsAt([...path, index], node, item));
  if (isOption(node)) return node.sensitive && value !== node.default && isSecret(value) ? [path] : [];
  if (isOptionList(node)) {
    const each = node.items as OptionNode; // an option or a tree, and both are nodes
    return [value].flat().flatMap((item, index) => secretsAt([...path, index], each, item));
  }
  if (!isOptionMap(node) || !isMapping(value)) return [];
  const each = node.each as OptionNode; // an option or a tree, and both are nodes
  return Object.entries(value).flatMap(([key, item]) =>
    isOption(each)
      ? isHarmless(key, item)
        ? []
        : secretsAt([...path, key], each, item)
      : leavesOf(each as OptionTree, [...path, key]).flatMap((leaf) =>
          secretsAt(leaf.path, leaf.node, valueAt(item, leaf.path.slice(path.length + 1))),
        ),
  );
}

/**
 * A header or a field whose name says nothing of a secret, and whose value is no token: too short, or an id, as KAZOO's
 * `X-Hook-ID` and `cluster_id`.
 */
function isHarmless(name: string, value: unknown): boolean {
  if (isSecretParameter(name)) return false;
  return wordsOf(name).at(-1) === 'id' || String(value).length < shortestToken;
}

/** RabbitMQ's own, which works from the broker's machine only, and keeps nobody out. */
const wellKnown = 'guest:guest@';

/** A URL is one only where something in it has to be masked. */
function isSecret(value: unknown): boolean {
  if (value === 'none') return false;
  const shown = mask(value);
  return shown.includes(masked) && !String(value).includes(wellKnown);
}
