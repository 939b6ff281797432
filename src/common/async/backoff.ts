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
