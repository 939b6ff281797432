import type { Dispatcher } from 'undici';
import { onAbort } from '../../common/async/abort.ts';
import type { Deadlines } from '../../common/async/deadlines.ts';

export interface Request {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface Answer {
  readonly status: number;
  /** By name, in lower case; several values where it came several times, whichever header it is. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Its first 64 KiB. */
  readonly body: Buffer;
}

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

/** There was no answer in time. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/** The route has called the request back. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Something was answered that HTTP has no meaning for. */
export class InvalidAnswer extends Error {
  override readonly name = 'OddAnswer';
}

/** How much of an answer is read, in bytes. */
const longestAnswer = 64 * 1024;

/**
 * Sends a request and reads its answer. Once the status is known it counts, whatever becomes of the body: one that
 * breaks off, never ends or is too long is dropped.
 * @throws TimedOut, Interrupted, OddAnswer, or an error of the connection
 */
export function roundTrip(
  dispatcher: Dispatcher,
  request: Request,
  deadlines: Deadlines,
  signal: AbortSignal,
): Promise<Answer> {
  if (signal.aborted) return Promise.reject(new Interrupted('interrupted'));
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const chunks: Buffer[] = [];
  let size = 0;
  let status = 0;
  let headers: Answer['headers'] = {};
  let controller: Dispatcher.DispatchController | undefined;
  let ended: Error | undefined;

  const settle = (error?: Error) => {
    stopClock();
    stopListening();
    if (status !== 0) resolve({ status, headers, body: Buffer.concat(chunks) });
    else reject(error ?? new Error('the answer has no status'));
  };
  const end = (error: Error) => {
    ended = error;
    controller?.abort(error);
    settle(error);
  };
  const stopClock = deadlines.start(() => end(new TimedOut(`no answer within ${deadlines.milliseconds} ms`)));
  const stopListening = onAbort(signal, () => end(new Interrupted('interrupted')));

  // A request may have to wait for a connection, and may have ended before it begins.
  dispatcher.dispatch(request, {
    onRequestStart(started) {
      controller = started;
      if (ended) started.abort(ended);
    },
    onResponseStart(_, code, answered) {
      if (code < 100)
        end(new InvalidAnswer(`its answer has the status ${String(code).padStart(3, '0')}, which HTTP has not`));
      if (code < 200) return;
      status = code;
      headers = answered;
    },
    onResponseData(_, chunk) {
      size += chunk.length;
      if (size <= longestAnswer) chunks.push(chunk);
      else end(new Error('the answer is too long'));
    },
    onResponseEnd: () => settle(),
    onResponseError: (_, error) => settle(error),
  });
  return promise;
}
