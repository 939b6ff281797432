import { codeOf, reasonOf } from '../../common/errors.ts';
import { explainTls } from '../../common/net/tls.ts';
import { truncateUtf8 } from '../../common/text/format.ts';
import type { Mask } from '../../common/text/secret-mask.ts';
import type { Outcome } from '../sink.ts';
import { type Answer, Interrupted, InvalidAnswer, TimedOut } from './round-trip.ts';

/** The outcome of a request without an answer. */
export function failureOutcome(error: unknown, mask: Mask): Extract<Outcome, { status: 'retry' }> {
  const code = error instanceof TimedOut ? 'ETIMEDOUT' : codeOf(error);
  const known = [TimedOut, Interrupted, InvalidAnswer].some((kind) => error instanceof kind);
  // Where each address of a name has failed, the error has no message but a code.
  const text = singleLine(mask(reasonOf(explainTls(error)) || code || 'the connection failed'), 1024);
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

/** What stands in an answer, as part of a reason. @param most bytes */
export function singleLine(text: string, most: number): string {
  return truncateUtf8(text.replace(/[\p{Cc}\s]+/gu, ' ').trim(), most);
}

/** An answer for people to read, with the beginning of its body. */
export function showAnswer({ status, headers, body }: Answer, mask: Mask): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${mask(String(value))}`);
  const text = mask(body.toString()).slice(0, longestShown);
  return [`${status}`, ...lines, ...(text === '' ? [] : ['', text])].join('\n');
}

/** Characters. */
const longestShown = 4_096;
