import { unescape as decode } from 'node:querystring';
import type { Address } from './address.ts';
import type { WebhookOptions } from './options.ts';

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
    ...[options.proxy, ...proxyVariables.map((name) => process.env[name] ?? '')].flatMap(credentialsIn),
  ];
}

/** Chat services take a path for a password; "/hooks" is none, and hiding it would make messages hard to read. */
const shortestPath = 16;

/** A field may be a key of the receiver's; "eu" isn't one. */
const shortestField = 8;

/** Where the environment names proxies; they may hold a password. */
export const proxyVariables = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'] as const;

function credentialsIn(proxy: string): string[] {
  if (!URL.canParse(proxy)) return [];
  const { username, password } = new URL(proxy);
  const [user, secret] = [decode(username), decode(password)];
  return [password, secret, Buffer.from(`${user}:${secret}`).toString('base64')];
}

/** The parts of a text that stand between placeholders. */
function literals(text: string): string[] {
  return text.split(/\{[A-Za-z_]+\}/);
}
