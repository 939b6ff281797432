import { setTimeout as delay } from 'node:timers/promises';

/** Lengths of pauses that grow from try to try: each at random between half of what it may be and all of it. */
export class ExponentialBackoff {
  readonly #first: number;
  readonly #longest: number;
  #tries = 0;

  /**
   * @param first milliseconds that the first pause takes at most
   * @param longest what the pauses grow to, doubling
   */
  constructor(first: number, longest: number) {
    this.#first = first;
    this.#longest = longest;
  }

  next(): number {
    const length = Math.min(this.#longest, this.#first * 2 ** this.#tries);
    this.#tries += 1;
    return length * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.#tries = 0;
  }
}

/** Growing pauses between tries of one thing. */
export class Backoff {
  readonly #lengths: ExponentialBackoff;

  /** As for `ExponentialBackoff`. */
  constructor(first: number, longest: number) {
    this.#lengths = new ExponentialBackoff(first, longest);
  }

  /** Waits for the next pause to pass. Rejects with the signal's reason when it aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    await delay(this.#lengths.next(), undefined, { signal });
  }

  reset(): void {
    this.#lengths.reset();
  }
}

/** A loop sleeps on it: a ring wakes it, also one that came while it was awake. */
export class Wakeup {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** True while somebody sleeps on it whom no ring has woken. */
  get isAsleep(): boolean {
    return this.#wake !== undefined && !this.#rung;
  }

  /** Resolves at the next ring, or the last one that nobody has heard, or after so many milliseconds. */
  async heard(milliseconds: number): Promise<void> {
    if (!this.#rung && milliseconds > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Timers count to 24 days: a longer sleep ends early.
      const timer = Number.isFinite(milliseconds)
        ? setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1))
        : undefined;
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
      clearTimeout(timer);
    }
    this.#rung = false;
  }
}

/** When a loop has last moved. */
export class Heartbeat {
  #beatAt = performance.now();

  beat(): void {
    this.#beatAt = performance.now();
  }

  /** Milliseconds since the last beat. */
  get age(): number {
    return performance.now() - this.#beatAt;
  }
}

/** How much longer than it may something takes that counts as stuck, in milliseconds. */
export const stuckAfter = 60_000;
