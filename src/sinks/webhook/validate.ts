import { reasonOf } from '../../common/errors.ts';
import { isLoopback } from '../../common/net/addresses.ts';
import type { OptionIssue } from '../../common/options/declare.ts';
import { unescapedAt, unescapedAtMessage } from '../../common/options/value-checks.ts';
import { excerptOf } from '../../common/text/slips.ts';
import { isSecretParameter } from '../../kazoo/secrets.ts';
import type { SinkRoute } from '../sink.ts';
import { createAddress } from './address.ts';
import { createSigner } from './auth.ts';
import { batchFormats, createFormat, isMisreadSource } from './formats/formats.ts';
import type { FormatName, WebhookOptions } from './options.ts';

/** What is wrong among options each of which is right by itself. Nothing in it shows a secret. */
export function validationErrors(options: WebhookOptions): readonly OptionIssue[] {
  const errors: OptionIssue[] = [];
  const refuse = (holds: boolean, path: readonly string[], message: string) => {
    if (holds) errors.push({ path, message });
  };
  const check = (path: readonly string[], work: () => unknown) => {
    try {
      work();
    } catch (error) {
      errors.push({ path, message: reasonOf(error), ...excerptOf(error) });
    }
  };

  check(['url'], () => createAddress(options.url));
  check(['signature', 'secrets'], () => createSigner(options.signature.secrets));
  refuseFormat(options, refuse, check);
  refuseHeaders(options, refuse);
  refuseAuth(options, refuse);
  refuseConnection(options, refuse);
  return errors;
}

type Refuse = (holds: boolean, path: readonly string[], message: string) => void;
type Check = (path: readonly string[], work: () => unknown) => void;

/** Those that have a place for `fields`. */
export const fieldFormats: readonly FormatName[] = ['kazoo-json', 'kazoo-form', 'template'];

function refuseFormat(options: WebhookOptions, refuse: Refuse, check: Check): void {
  const { format, template, fields, batch, method, signature } = options;
  const has = { template: template !== undefined, fields: Object.keys(fields).length > 0 };
  const takesFields = fieldFormats.includes(format);
  refuse(format === 'template' && !has.template, ['template'], 'is required by the format template');
  refuse(format !== 'template' && has.template, ['template'], `is not used by the format ${format}`);
  refuse(!takesFields && has.fields, ['fields'], `are not used by the format ${format}`);
  if (format === 'template' && has.template) check(['template', 'body'], () => createFormat(options));
  refuse(!isHeaderValue(template?.contentType ?? ''), ['template', 'contentType'], 'must be a media type');
  refuse(
    batch.max > 1 && !batchFormats.includes(format),
    ['batch', 'max'],
    `must be 1 with the format ${format}: only ${batchFormats.join(' and ')} have arrays`,
  );
  refuse(
    batch.max > 1 && options.url.includes('{'),
    ['batch', 'max'],
    'must be 1 with placeholders in the url: they differ from one notification to the next',
  );
  refuse(
    method === 'GET' && format !== 'kazoo-form',
    ['method'],
    'GET sends no body: it needs the format kazoo-form, which goes into the query',
  );
  refuse(
    method === 'GET' && signature.secrets.length > 0,
    ['signature', 'secrets'],
    'sign the body, and GET sends none',
  );
}

/** Those that say how a message ends or where it goes, and those that are made anew for each request. */
export const ownHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
]);

export const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function refuseHeaders({ headers }: WebhookOptions, refuse: Refuse): void {
  const names = Object.keys(headers);
  for (const name of names) {
    const lower = name.toLowerCase();
    refuse(!headerName.test(name), ['headers', name], "can't be the name of a header");
    refuse(ownHeaders.has(lower), ['headers', name], "can't be set: the sink sets it, or HTTP itself");
    refuse(!isHeaderValue(headers[name] ?? ''), ['headers', name], 'must be printable ASCII on one line');
    const isTwice = names.some((other) => other !== name && other.toLowerCase() === lower);
    refuse(isTwice, ['headers', name], 'is there twice: upper and lower case mean the same');
  }
}

function refuseAuth({ auth, headers }: WebhookOptions, refuse: Refuse): void {
  const given = Object.entries(auth).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  refuse(given.length > 1, ['auth'], `must be one of them: ${given.join(', ')}`);
  const hasHeader = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  refuse(given.length > 0 && hasHeader, ['auth'], 'makes the header authorization, which is among the headers already');
  refuse(auth.basic?.user.includes(':') ?? false, ['auth', 'basic', 'user'], "can't have a colon");
  refuse(!isHeaderValue(auth.bearer?.token ?? ''), ['auth', 'bearer', 'token'], 'must be printable ASCII on one line');
  if (auth.oauth2 !== undefined) refuseTokenUrl(auth.oauth2.tokenUrl, refuse);
}

function refuseTokenUrl(url: string, refuse: Refuse): void {
  const path = ['auth', 'oauth2', 'tokenUrl'];
  if (unescapedAt.test(url)) refuse(true, path, unescapedAtMessage);
  else if (!isHttpUrl(url)) refuse(true, path, 'must be a URL such as https://host/path');
  else refuse(hasLogin(url), path, 'must be without user and password; they are clientId and clientSecret');
}

/** Node's timers go no further; an hour is more than any request should take. */
const longest = 3_600_000;

function refuseConnection(options: WebhookOptions, refuse: Refuse): void {
  const { tls, proxy, allowPrivateNetworks, timeout, rateLimit } = options;
  refuse((tls.cert === undefined) !== (tls.key === undefined), ['tls'], 'needs cert and key, or neither');
  const hasProxy = proxy !== 'environment' && proxy !== 'none';
  const hasStrayAt = hasProxy && unescapedAt.test(proxy);
  refuse(hasStrayAt, ['proxy'], unescapedAtMessage);
  refuse(
    hasProxy && !hasStrayAt && !isHttpUrl(proxy),
    ['proxy'],
    'must be environment, none, or a URL such as http://host:3128',
  );
  refuse(
    hasProxy && !allowPrivateNetworks,
    ['proxy'],
    'chooses the address by itself, so that allowPrivateNetworks: false would check nothing',
  );
  refuse(timeout.connect > longest, ['timeout', 'connect'], 'must be an hour at most');
  refuse(timeout.total > longest, ['timeout', 'total'], 'must be an hour at most');
  refuse((rateLimit?.per ?? 0) > 24 * longest, ['rateLimit', 'per'], 'must be a day at most');
}

function isHeaderValue(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

function hasLogin(text: string): boolean {
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}

/** What is legal and surely not meant. */
export function warnings(
  options: WebhookOptions,
  { timeout: patience, zones, reveal }: SinkRoute,
): readonly OptionIssue[] {
  const { timeout, tls, auth, proxy } = options;
  const found: OptionIssue[] = [];
  if (timeout.total >= patience) {
    found.push({
      path: ['timeout', 'total'],
      message: "isn't shorter than the route's timeout, which would always come first",
    });
  }
  if (timeout.connect > timeout.total) {
    found.push({
      path: ['timeout', 'connect'],
      message: 'is longer than timeout.total, which would always come first',
    });
  }
  if (!tls.verify) {
    found.push({ path: ['tls', 'verify'], message: 'lets anybody between here and the receiver read and answer' });
  }
  const secrets = [
    ...secretNames(options),
    ...(reveal.length > 0 ? [`what the route reveals (${reveal.join(', ')})`] : []),
  ];
  if (secrets.length > 0 && isReadable(options.url)) {
    found.push({ path: ['url'], message: `${notEncrypted} ${secrets.join(', ')}` });
  }
  if (auth.oauth2 !== undefined && isReadable(auth.oauth2.tokenUrl)) {
    const message = `${notEncrypted} clientSecret and the tokens`;
    found.push({ path: ['auth', 'oauth2', 'tokenUrl'], message });
  }
  if (URL.canParse(proxy) && new URL(proxy).password !== '' && isReadable(proxy)) {
    found.push({ path: ['proxy'], message: `${notEncrypted} its password` });
  }
  const misread = options.format === 'cloudevents-binary' ? zones.filter(isMisreadSource) : [];
  if (misread.length > 0) {
    const message =
      `encodes the zone ${misread.map((zone) => JSON.stringify(zone)).join(', ')} for a header, which the SDKs of Go, Java, ` +
      'JavaScript and Rust do not decode: they read another source than with cloudevents';
    found.push({ path: ['format'], message });
  }
  return found;
}

const notEncrypted = 'is not encrypted: whoever is on the way can read';

/** What a request carries of the operator's own secrets, by the names of the options. */
function secretNames({ auth, headers, fields, url }: WebhookOptions): string[] {
  const named = {
    headers: Object.keys(headers),
    fields: Object.keys(fields),
    query: [...new URL(url).searchParams.keys()],
  };
  const ways = Object.entries(auth).flatMap(([name, way]) => (way === undefined ? [] : [`auth.${name}`]));
  const inRequest = Object.entries(named).flatMap(([option, names]) =>
    names.filter(isSecretParameter).map((name) => (option === 'query' ? `${name} in the query` : `${option}.${name}`)),
  );
  return [...ways, ...inRequest];
}

/** What never leaves the machine needs no encryption. */
function isReadable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname);
}
