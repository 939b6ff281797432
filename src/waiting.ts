import { setTimeout as delay } from 'node:timers/promises';

/** The promise, or the signal's reason as soon as it aborts; the promise itself runs on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    // Signals live as long as the daemon: a listener left on one is a leak.
    signal.removeEventListener('abort', abort);
  }
}

/**
 * The promise, or an error once it has taken longer than that; the promise itself runs on.
 * @param what names the one that is late: "the broker"
 */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(milliseconds, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} has not answered for ${milliseconds} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** Lengths of pauses that grow from try to try: each at random between half of what it may be and all of it. */
export class Growth {
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
  readonly #growth: Growth;

  /** As for `Growth`. */
  constructor(first: number, longest: number) {
    this.#growth = new Growth(first, longest);
  }

  /** Waits for the next pause to pass. Rejects with the signal's reason when it aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    await delay(this.#growth.next(), undefined, { signal });
  }

  reset(): void {
    this.#growth.reset();
  }
}

/** What a loop sleeps on: it is woken by a ring, also by one that came while it was awake. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, or the last one that nobody has heard, or after so many milliseconds. */
  async heard(milliseconds: number): Promise<void> {
    if (!this.#rung && milliseconds > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Timers count to 24 days; whoever sleeps longer is woken for nothing once.
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
