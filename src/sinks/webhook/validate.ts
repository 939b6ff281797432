import { reasonOf } from '../../common/errors.ts';
import type { OptionIssue, OptionRule } from '../../common/options/declare.ts';
import { certificateWithKey } from '../../common/options/tls-options.ts';
import { unescapedAt, unescapedAtMessage } from '../../common/options/value-checks.ts';
import { excerptOf } from '../../common/text/slips.ts';
import { isSecretParameter } from '../../kazoo/secrets.ts';
import { isMisreadSource } from '../cloudevents.ts';
import { httpWarnings, proxyRule, timeoutRule } from '../http/options.ts';
import { isPlaceholder, placeholdersIn, unknownPlaceholder } from '../placeholders.ts';
import type { SinkRoute } from '../sink.ts';
import { revealedBy, unencryptedUrl } from '../unencrypted.ts';
import { createAddress } from './address.ts';
import { createSigner } from './auth.ts';
import { batchFormats, createFormat } from './formats/formats.ts';
import { presets } from './formats/presets.ts';
import type { FormatName, WebhookOptions } from './options.ts';

/** How the options go together. Nothing that is said of them shows a secret. */
export const rules: readonly OptionRule<WebhookOptions>[] = [
  ({ url }) => whatThrows(['url'], () => createAddress(url)),
  ({ signature }) => whatThrows(['signature', 'secrets'], () => createSigner(signature.secrets)),
  ...[
    refusePreset,
    refuseLink,
    refuseTemplate,
    refuseFields,
    refuseContentType,
    refuseBatch,
    refuseMethod,
    refuseHeaders,
    refuseAuth,
  ].map(refusing),
  ...[refuseBasic, refuseBearer, refuseTokenUrl, refuseProxy, refuseRate].map(refusing),
  timeoutRule,
  proxyRule,
  certificateWithKey,
  ({ format, template, fields }) =>
    format === 'template' && template !== undefined
      ? whatThrows(['template', 'body'], () =>
          createFormat({ format, template, fields, preset: undefined, link: undefined }),
        )
      : [],
];

type Refuse = (holds: boolean, path: readonly string[], message: string) => void;

function refusing(rule: (options: WebhookOptions, refuse: Refuse) => void): OptionRule<WebhookOptions> {
  return (options) => {
    const errors: OptionIssue[] = [];
    rule(options, (holds, path, message) => {
      if (holds) errors.push({ path, message });
    });
    return errors;
  };
}

function whatThrows(path: readonly string[], work: () => unknown): OptionIssue[] {
  try {
    work();
    return [];
  } catch (error) {
    return [{ path, message: reasonOf(error), ...excerptOf(error) }];
  }
}

/** Those that have a place for `fields`. */
export const fieldFormats: readonly FormatName[] = ['kazoo-json', 'kazoo-form', 'template'];

function refusePreset({ preset, format, fields }: WebhookOptions, refuse: Refuse): void {
  if (preset === undefined) return;
  refuse(format !== 'envelope', ['format'], `is not used by the preset ${preset}`);
  for (const name of presets[preset].needs)
    refuse(fields[name] === undefined, ['fields', name], `is required by the preset ${preset}`);
}

function refuseLink({ preset, link }: WebhookOptions, refuse: Refuse): void {
  if (link === undefined) return;
  refuse(preset === undefined, ['link'], 'is only for a preset');
  refuse(!/^https?:\/\/[^{}]+(\/|$)/i.test(link), ['link'], 'must be a URL such as https://host/path?id={id}');
  const wrong = placeholdersIn(link).find((name) => !isPlaceholder(name));
  refuse(wrong !== undefined, ['link'], unknownPlaceholder(wrong ?? ''));
}

function refuseTemplate({ format, template }: WebhookOptions, refuse: Refuse): void {
  refuse(format === 'template' && template === undefined, ['template'], 'is required by the format template');
  refuse(format !== 'template' && template !== undefined, ['template'], `is not used by the format ${format}`);
}

function refuseFields({ format, fields, preset }: WebhookOptions, refuse: Refuse): void {
  const areUsed = preset !== undefined || fieldFormats.includes(format) || Object.keys(fields).length === 0;
  refuse(!areUsed, ['fields'], `are not used by the format ${format}`);
}

function refuseContentType({ template }: WebhookOptions, refuse: Refuse): void {
  refuse(!isHeaderValue(template?.contentType ?? ''), ['template', 'contentType'], 'must be a media type');
}

function refuseBatch({ format, batch, url, preset }: WebhookOptions, refuse: Refuse): void {
  if (batch.max === 1) return;
  refuse(preset !== undefined, ['batch', 'max'], `must be 1 with the preset ${preset}`);
  refuse(
    !batchFormats.includes(format),
    ['batch', 'max'],
    `must be 1 with the format ${format}: only ${batchFormats.join(' and ')} have arrays`,
  );
  refuse(
    url.includes('{'),
    ['batch', 'max'],
    'must be 1 with placeholders in the url: they differ from one notification to the next',
  );
}

function refuseMethod({ method, format, signature }: WebhookOptions, refuse: Refuse): void {
  if (method !== 'GET') return;
  refuse(
    format !== 'kazoo-form',
    ['method'],
    'GET sends no body: it needs the format kazoo-form, which goes into the query',
  );
  refuse(signature.secrets.length > 0, ['signature', 'secrets'], 'sign the body, and GET sends none');
}

/** Headers that define the end or the destination of a message, and those that are made for each request. */
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
}

function refuseBasic({ auth: { basic } }: WebhookOptions, refuse: Refuse): void {
  refuse(basic?.user.includes(':') ?? false, ['auth', 'basic', 'user'], "can't have a colon");
}

function refuseBearer({ auth: { bearer } }: WebhookOptions, refuse: Refuse): void {
  refuse(!isHeaderValue(bearer?.token ?? ''), ['auth', 'bearer', 'token'], 'must be printable ASCII on one line');
}

function refuseTokenUrl({ auth: { oauth2 } }: WebhookOptions, refuse: Refuse): void {
  if (oauth2 === undefined) return;
  const path = ['auth', 'oauth2', 'tokenUrl'];
  const url = oauth2.tokenUrl;
  if (unescapedAt.test(url)) refuse(true, path, unescapedAtMessage);
  else if (!isHttpUrl(url)) refuse(true, path, 'must be a URL such as https://host/path');
  else refuse(hasLogin(url), path, 'must be without user and password; they are clientId and clientSecret');
}

function refuseProxy({ proxy, allowPrivateNetworks }: WebhookOptions, refuse: Refuse): void {
  refuse(
    proxy !== 'environment' && proxy !== 'none' && !allowPrivateNetworks,
    ['proxy'],
    'chooses the address by itself, so that allowPrivateNetworks: false would check nothing',
  );
}

function refuseRate({ rateLimit }: WebhookOptions, refuse: Refuse): void {
  refuse((rateLimit?.per ?? 0) > 24 * 3_600_000, ['rateLimit', 'per'], 'must be a day at most');
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
  const { tls, auth } = options;
  const found = httpWarnings(options, patience);
  if (!tls.verify) {
    found.push({ path: ['tls', 'verify'], message: 'lets anybody between here and the receiver read and answer' });
  }
  found.push(...unencryptedUrl(['url'], options.url, [...secretNames(options), ...revealedBy(reveal)]));
  if (auth.oauth2 !== undefined)
    found.push(
      ...unencryptedUrl(['auth', 'oauth2', 'tokenUrl'], auth.oauth2.tokenUrl, ['clientSecret and the tokens']),
    );
  const misread = options.format === 'cloudevents-binary' ? zones.filter(isMisreadSource) : [];
  if (misread.length > 0) {
    const message =
      `encodes the zone ${misread.map((zone) => JSON.stringify(zone)).join(', ')} for a header, which the SDKs of Go, Java, ` +
      'JavaScript and Rust do not decode: they read another source than with cloudevents';
    found.push({ path: ['format'], message });
  }
  return found;
}

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
