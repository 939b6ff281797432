import { stuckAfter } from '../common/async/loop.ts';
import { Slots } from '../common/async/slots.ts';

/** Whether a route moves: its loop, and what it has handed to the sink. All times are of the monotonic clock. */
export class RouteLiveness {
  readonly #timeout: number;
  /** Since when the loop has been at work; undefined while it sleeps. */
  #awakeSince: number | undefined = performance.now();
  #wakesAt = Number.POSITIVE_INFINITY;
  readonly #attempts = new Slots<{ readonly since: number }>();

  /** @param timeout milliseconds that one attempt may take */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** The loop begins another round. */
  awake(): void {
    this.#awakeSince = performance.now();
  }

  /** The loop has nothing to do for so many milliseconds, or until it is rung for. */
  asleep(milliseconds: number): void {
    this.#awakeSince = undefined;
    // Timers count no further; and who sleeps without end has none.
    const longest = Number.isFinite(milliseconds) ? 2 ** 31 : Number.POSITIVE_INFINITY;
    this.#wakesAt = performance.now() + Math.min(milliseconds, longest);
  }

  /** An attempt has begun. Returns what to call at its end. */
  attempt(): () => void {
    return this.#attempts.add({ since: performance.now() });
  }

  /** True where a round, or an attempt, has taken far longer than it may, or the loop has overslept. */
  get stuck(): boolean {
    const late = performance.now() - stuckAfter;
    for (const { since } of this.#attempts) if (since + this.#timeout < late) return true;
    return (this.#awakeSince ?? this.#wakesAt) < late;
  }
}
