import type { Mask } from '../../common/text/secret-mask.ts';
import type { Answer, Request } from './exchange.ts';
import type { WebhookOptions } from './options.ts';

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

/** The answer to it, with the beginning of its body. */
export function showAnswer({ status, headers, body }: Answer, mask: Mask): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${mask(String(value))}`);
  const text = mask(body.toString()).slice(0, longestShown);
  return [`${status}`, ...lines, ...(text === '' ? [] : ['', text])].join('\n');
}

/** Characters. */
const longestShown = 4_096;
