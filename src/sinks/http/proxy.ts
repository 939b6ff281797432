import { isIP } from 'node:net';
import { unescape as decode } from 'node:querystring';
import ipaddr from 'ipaddr.js';
import { globToRegExp } from '../../common/text/patterns.ts';
import { SinkUnavailable } from '../sink.ts';

/** Variables of the environment that the proxy `environment` means; their values may hold a password. */
export const proxyVariables = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'] as const;

/**
 * True where the environment names a proxy for this URL.
 * @throws SinkUnavailable where it names none that can be used
 */
export function needsProxy(target: string): boolean {
  const named = proxyVariables.filter((name) => process.env[name]);
  if (named.length === 0 || isExcepted(target)) return false;
  const other = named.find((name) => !proxyUrl.test(process.env[name] ?? ''));
  if (other === undefined) return true;
  throw new SinkUnavailable(
    `${other} in the environment begins neither with http:// nor with https://: no other proxy is spoken to (set the option proxy)`,
  );
}

/** A proxy of a kind that we speak to. */
const proxyUrl = /^https?:\/\//i;

/**
 * True where NO_PROXY excepts the host of a URL: by its name or that of a domain above it, by a glob (`*`, `127.*`,
 * `*.example.com`), by its address or a network (`10.0.0.0/8`); each of them alone or with a port. No name is looked up.
 * @throws SinkUnavailable where a network is none: what it excepts must not go to the proxy by mistake
 */
export function isExcepted(url: string, list = process.env.no_proxy ?? process.env.NO_PROXY ?? ''): boolean {
  const { hostname, port, protocol } = new URL(url);
  const host = bare(hostname).replace(/(.)\.$/, '$1');
  const own = port || (protocol === 'https:' ? '443' : '80');
  return list.split(/[\s,]+/).some((entry) => {
    const { pattern, port: only = own } = partsOf(entry.toLowerCase());
    return only === own && pattern !== '' && matches(host, pattern);
  });
}

function matches(host: string, pattern: string): boolean {
  if (pattern.includes('/')) return isIP(host) !== 0 && isWithin(host, pattern);
  if (isIP(pattern) !== 0 && isIP(host) !== 0) return addressOf(host) === addressOf(pattern);
  if (pattern.includes('*')) return globToRegExp(pattern).test(host);
  const name = pattern.replace(/^\./, '').replace(/(.)\.$/, '$1');
  return host === name || host.endsWith(`.${name}`);
}

function isWithin(host: string, pattern: string): boolean {
  const [network = '', ...length] = pattern.split('/');
  const written = `${bare(network)}/${length.join('/')}`;
  if (isIP(bare(network)) === 0 || !ipaddr.isValidCIDR(written)) {
    throw new SinkUnavailable(`NO_PROXY in the environment has "${pattern}", which is no network such as 10.0.0.0/8`);
  }
  const range = ipaddr.parseCIDR(written);
  const address = ipaddr.process(host);
  return address.kind() === range[0].kind() && address.match(range);
}

function addressOf(text: string): string {
  return ipaddr.process(text).toNormalizedString();
}

/** An address of IPv6 has brackets where a port stands behind it. */
function partsOf(entry: string): { readonly pattern: string; readonly port?: string } {
  const [, pattern, port] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  return pattern === undefined || port === undefined ? { pattern: bare(entry) } : { pattern: bare(pattern), port };
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** What no message may show of the option and of the environment. */
export function proxySecrets(proxy: string): string[] {
  return [proxy, ...proxyVariables.map((name) => process.env[name] ?? '')].flatMap(credentialsIn);
}

function credentialsIn(proxy: string): string[] {
  if (!URL.canParse(proxy)) return [];
  const { username, password } = new URL(proxy);
  const [user, secret] = [decode(username), decode(password)];
  return [password, secret, Buffer.from(`${user}:${secret}`).toString('base64')];
}
