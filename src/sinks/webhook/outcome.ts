import { codeOf, reasonOf } from '../../common/errors.ts';
import { explainTls } from '../../common/net/tls.ts';
import { truncateUtf8 } from '../../common/text/format.ts';
import type { Mask } from '../../common/text/secret-mask.ts';
import { type Outcome, SinkUnavailable } from '../sink.ts';
import { type Answer, Interrupted, InvalidAnswer, TimedOut } from './http.ts';

/** Between tries of a receiver that is gone, in milliseconds. */
const probeAfter = 3_600_000;
/** How much of an answer's body becomes part of the reason, in bytes. */
const keptOfBody = 1024;

/**
 * What an answer means for the notifications of its request.
 * @param receiver its origin, for a message, and who is told apart by its URL
 * @throws SinkUnavailable for 410
 */
export function outcomeOf(answer: Answer, { origin, serves }: Receiver, mask: Mask): Outcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return { status: 'delivered', code: status };
  if (status === 410) {
    throw new SinkUnavailable(
      `${origin} says "gone" (410). The route pauses and tries it again every hour. If it has moved, change the url and ` +
        'reload, which tries it at once; if it is gone for good, remove the route',
      { probeAfter, code: status },
    );
  }
  const reason = `answered ${status}${status < 400 ? redirected : ''}${bodyExcerpt(answer.body, mask)}`;
  if (isRefusal.has(status)) return { status: 'dead', reason, code: status, refused: serves };
  if (!mayWorkLater(status)) return { status: 'dead', reason, code: status };
  const notBefore = retryAfter(answer, Date.now());
  return {
    status: 'retry',
    reason,
    code: status,
    ...(notBefore !== undefined && { notBefore }),
    ...(isAway.has(status) && { away: true }),
  };
}

interface Receiver {
  /** `https://host:port`. */
  readonly origin: string;
  /** `account` where each account has a URL of its own. */
  readonly serves: 'all' | 'account';
}

/** Wrong credentials, no right, no such address: what is wrong with one request may be wrong with all. */
const isRefusal: ReadonlySet<number> = new Set([401, 403, 404]);

/** The outcome of a request without an answer. */
export function failureOutcome(error: unknown, mask: Mask): Outcome {
  const code = error instanceof TimedOut ? 'ETIMEDOUT' : codeOf(error);
  const known = [TimedOut, Interrupted, InvalidAnswer].some((kind) => error instanceof kind);
  // Where each address of a name has failed, the error has no message but a code.
  const text = singleLine(mask(reasonOf(explainTls(error)) || code || 'the connection failed'));
  const what = unreadable.test(text) ? 'its answer is no HTTP that can be read' : 'no answer';
  return { status: 'retry', reason: known ? text : `${what}: ${text}`, ...(code && { code }), away: true };
}

/** What undici and its parser say of an answer that did come. */
const unreadable = /^(Response does not match the HTTP|Headers Overflow|Response body length does not match)/;

/** Unix milliseconds that a `Retry-After` asks to wait for, `now` at least: who waits has to set a bound to it. */
export function retryAfter({ headers }: Pick<Answer, 'headers'>, now: number): number | undefined {
  // A proxy may have put its own beside the receiver's: then the first counts.
  const text = [headers['retry-after'] ?? ''].flat()[0]?.trim() ?? '';
  const time = /^\d+$/.test(text)
    ? now + Number(text) * 1000
    : /^[A-Z][a-z]+, .* GMT$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(time, now);
}

const redirected = ' (a redirect that is not followed: name its target as the url)';

/** The receiver as a whole isn't there, or isn't up. */
const isAway: ReadonlySet<number> = new Set([502, 503, 504]);

function mayWorkLater(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

function bodyExcerpt(body: Buffer, mask: Mask): string {
  // White space, secrets and escapes take more than what is left of them.
  const text = singleLine(mask(body.toString('utf8', 0, 2 * keptOfBody)));
  return text === '' ? '' : `: ${text}`;
}

function singleLine(text: string): string {
  return truncateUtf8(text.replace(/[\p{Cc}\s]+/gu, ' ').trim(), keptOfBody);
}
