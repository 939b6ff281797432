import type { Mask } from '../../common/text/secret-mask.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { proxySecrets } from '../http/proxy.ts';
import type { Request } from '../http/round-trip.ts';
import type { Address } from './address.ts';
import { createSigner } from './auth.ts';
import { createFormat } from './formats/formats.ts';
import type { WebhookOptions } from './options.ts';

/** Makes the request that delivers these, but for its `authorization`. @param now Unix milliseconds */
export type RequestMaker = (batch: readonly Delivery[], now: number) => Request;

/**
 * @throws Error when the template or a secret can't be used; what it gives throws Undeliverable
 */
export function createRequestMaker(options: WebhookOptions, address: Address): RequestMaker {
  const { method } = options;
  const { origin } = address;
  const { one, several } = createFormat(options);
  const least = options.batch.max > 1 ? 1 : 2;
  const signer = createSigner(options.signature.secrets);
  const own = lowerCase(options.headers);

  return (batch, now) => {
    const [first] = batch;
    if (first === undefined) throw new Error('there is nothing to send');
    // An array stays one, whatever is in it; a digest of one is the message about that.
    const content = batch.length >= least && several !== undefined ? several(batch) : one(first);
    const headers: Record<string, string> = { 'user-agent': 'kazoo-relay', 'content-type': content.type };
    Object.assign(headers, content.headers, own, signer.headersFor(batch, content.text, now));
    const path = address.pathFor(first);
    if (method !== 'GET') return { origin, path, method, headers, body: content.text };
    const { 'content-type': _, ...withoutType } = headers;
    return { origin, path: withQuery(path, content.text), method, headers: withoutType, body: null };
  };
}

/** Headers by which a receiver knows us, or others could pass for us, in lower case. Any that is configured may be one. */
export function credentialHeaders({ headers }: WebhookOptions): ReadonlySet<string> {
  const { 'content-type': _, ...own } = lowerCase(headers);
  return new Set([...Object.keys(own), 'webhook-signature']);
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function withQuery(path: string, query: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

/** A request for people to read: its lines as HTTP/1.1 writes them, secrets hidden. */
export function showRequest(
  request: Request,
  authorization: Readonly<Record<string, string>>,
  { headers }: Pick<WebhookOptions, 'headers'>,
  mask: Mask,
): string {
  const configured = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const lines = Object.entries({ ...request.headers, ...authorization }).map(
    ([name, value]) => `${name}: ${configured.has(name) ? '***' : mask(value)}`,
  );
  // What stands between is hidden as well: in a query, a name may say as much as a value.
  const [path = '', query] = request.path.split('?');
  const target = `${mask(path)}${query === undefined ? '' : '?***'}`;
  const head = [`${request.method} ${request.origin}${target}`, ...lines].join('\n');
  return request.body === null ? head : `${head}\n\n${mask(request.body)}`;
}

/** What may appear in no reason, message or report. */
export function secretsOf(options: WebhookOptions, { path }: Address): string[] {
  const [folders = '', query = ''] = path.split('?');
  return [
    ...literals(folders).filter((part) => part.length >= shortestPath),
    query,
    ...[...new URLSearchParams(query).values()].flatMap(literals),
    ...Object.values(options.headers),
    ...Object.values(options.fields).filter((value) => value.length >= shortestField),
    ...options.signature.secrets.flatMap((secret) => [secret, secret.replace(/^whsec_/, '')]),
    ...proxySecrets(options.proxy),
  ];
}

/** Chat services take a path for a password; "/hooks" is none, and hiding it would make messages hard to read. */
const shortestPath = 16;

/** A field may be a key of the receiver's; "eu" isn't one. */
const shortestField = 8;

/** The parts of a text that stand between placeholders. */
function literals(text: string): string[] {
  return text.split(/\{[A-Za-z_]+\}/);
}
