/** Where nothing limits the rate, and the receiver has said that it is too high: the pause to begin with, in ms. */
const firstPause = 20;
const longestPause = 60_000;
/** What a receiver can ask for at most, in milliseconds. */
const longestWait = 3_600_000;
/** Below it, requests aren't held back at all. */
const shortestPause = 1;
/** Each second without a complaint makes the pause shorter by this factor. */
const faster = 0.85;
const second = 1_000;

/**
 * Says when the next request may go: evenly spread at the rate that the operator sets, more slowly after an answer of
 * 429, and gradually faster again. It reads no clock: the caller passes all times, in milliseconds.
 */
export class RateLimiter {
  readonly #least: number;
  #pause: number;
  /** When the next turn is. */
  #next = 0;
  #changedAt = 0;
  /** Turns taken since then: how fast we were. */
  #since = 0;
  #turns = 0;

  /** @param limit so many requests in so many milliseconds; undefined is no limit */
  constructor(limit: { readonly requests: number; readonly per: number } | undefined) {
    this.#least = limit === undefined ? 0 : limit.per / limit.requests;
    this.#pause = this.#least;
  }

  /** Milliseconds until a request that came now would have its turn. */
  wait(now: number): number {
    return Math.max(0, this.#next - now);
  }

  /** Takes that turn. */
  take(now: number): void {
    this.#next = Math.max(this.#next, now) + this.#pause;
    if (now - this.#since > second) {
      this.#since = now;
      this.#turns = 0;
    }
    this.#turns += 1;
  }

  /**
   * The receiver had too many requests.
   * @param sentAt when the one that it refused was sent: many may have been under way at the same rate
   * @param until when it takes some again: now, where it hasn't said so
   */
  slowDown(now: number, sentAt: number, until: number): void {
    this.#next = Math.max(this.#next, Math.min(until, now + longestWait));
    if (sentAt < this.#changedAt) return;
    const gap = (now - this.#since) / Math.max(1, this.#turns);
    this.#pause = Math.min(longestPause, Math.max(this.#least, firstPause, 2 * this.#pause, Math.min(2 * gap, second)));
    this.#next = Math.max(this.#next, now + this.#pause);
    this.#changedAt = now;
  }

  /** The receiver has taken a request. */
  accepted(now: number): void {
    if (this.#pause <= this.#least || now - this.#changedAt < second) return;
    this.#changedAt = now;
    const pause = this.#pause * faster;
    this.#pause = pause < Math.max(this.#least, shortestPause) ? this.#least : pause;
  }
}
