import type { Dispatcher } from 'undici';
import { onAbort } from '../../common/async/abort.ts';
import type { Deadlines } from '../../common/async/deadlines.ts';

/** @typeParam Body what it carries */
export interface Request<Body = string | null> {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

export interface Answer {
  readonly status: number;
  /** By name, in lower case; several values where it came several times, whichever header it is. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Its first 64 KiB. */
  readonly body: Buffer;
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
  override readonly name = 'InvalidAnswer';
}

/** How much of an answer is read, in bytes. */
const longestAnswer = 64 * 1024;

/**
 * Sends a request and reads its answer. Once the status is known it counts, whatever becomes of the body: one that
 * breaks off, never ends or is too long is dropped.
 * @throws TimedOut, Interrupted, InvalidAnswer, or an error of the connection
 */
export function roundTrip(
  dispatcher: Dispatcher,
  request: Request<string | Uint8Array | null>,
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
