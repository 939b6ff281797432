import type { Dispatcher } from 'undici';
import type { Deadlines } from '../../common/async/deadlines.ts';
import { type Answer, type Request, roundTrip } from '../http/round-trip.ts';

/** Who a request says it is from. */
export interface Credentials {
  /** The `authorization` header; undefined where there is none. @throws SinkUnavailable when no token can be had */
  header(): string | undefined | Promise<string>;
  /** The receiver has refused this header. True when there may be a better one. */
  refused(header: string | undefined): boolean;
}

/** The client that sends requests. */
export interface HttpClient {
  readonly dispatcher: Dispatcher;
  readonly auth: Credentials;
  /** Of each request. */
  readonly deadlines: Deadlines;
  /** Headers of a request that only the receiver may have, beside `authorization`: names in lower case. */
  readonly credentials: ReadonlySet<string>;
}

/**
 * Sends a request with our credentials: with a new token where the old one is refused, and to where a redirect leads. Another
 * port, also 443 instead of 80, may be another server: it gets no credentials.
 * @throws SinkUnavailable when there is no token; TimedOut, Interrupted or an error of the connection
 */
export async function send(
  request: Request,
  redirects: number,
  { dispatcher, auth, deadlines, credentials }: HttpClient,
  signal: AbortSignal,
): Promise<Answer> {
  let target = request;
  let redirected = 0;
  let isReceiver = true;
  for (let renewed = false; ; ) {
    const given = isReceiver ? auth.header() : undefined;
    const header = typeof given === 'object' ? await given : given;
    const answer = await roundTrip(dispatcher, withAuthorization(target, header), deadlines, signal);
    const next = redirected < redirects ? redirectOf(target, answer) : undefined;
    if (next !== undefined) {
      isReceiver &&= next.origin === request.origin;
      target = isReceiver ? next : without(next, credentials);
      redirected += 1;
    } else if (answer.status === 401 && isReceiver && !renewed && auth.refused(header)) renewed = true;
    else return answer;
  }
}

function withAuthorization(request: Request, authorization: string | undefined): Request {
  return authorization === undefined ? request : { ...request, headers: { ...request.headers, authorization } };
}

function without(request: Request, names: ReadonlySet<string>): Request {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !names.has(name)));
  return { ...request, headers };
}

/**
 * The request that a redirect asks for: on the same host only, and only where it is the same request. 301, 302 and 303
 * make a GET without a body of a POST: the notification would be lost, and look delivered.
 */
function redirectOf(request: Request, { status, headers }: Answer): Request | undefined {
  const isSame = status === 307 || status === 308 || (request.method === 'GET' && [301, 302, 303].includes(status));
  const { location } = headers;
  if (!isSame || typeof location !== 'string' || !URL.canParse(location, request.origin + request.path))
    return undefined;
  const from = new URL(request.origin);
  const to = new URL(location, request.origin + request.path);
  const isUpgrade = from.protocol === 'http:' && to.protocol === 'https:' && from.hostname === to.hostname;
  if (to.origin !== from.origin && !isUpgrade) return undefined;
  return { ...request, origin: to.origin, path: `${to.pathname}${to.search}` };
}
