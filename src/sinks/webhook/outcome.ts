import type { Mask } from '../../common/text/secret-mask.ts';
import { retryAfter, singleLine } from '../http/outcome.ts';
import type { Answer } from '../http/round-trip.ts';
import { type Outcome, SinkUnavailable } from '../sink.ts';

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

const redirected = ' (a redirect that is not followed: name its target as the url)';

/** The receiver as a whole isn't there, or isn't up. */
const isAway: ReadonlySet<number> = new Set([502, 503, 504]);

function mayWorkLater(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

function bodyExcerpt(body: Buffer, mask: Mask): string {
  // White space, secrets and escapes take more than what is left of them.
  const text = singleLine(mask(body.toString('utf8', 0, 2 * keptOfBody)), keptOfBody);
  return text === '' ? '' : `: ${text}`;
}
