import { setTimeout as delay } from 'node:timers/promises';
import { Bag } from './bag.ts';

/** The promise, or the signal's reason as soon as it aborts; the promise itself runs on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    promise.finally(stopListening).then(resolve, reject);
  });
}

const listeners = new WeakMap<AbortSignal, Bag<() => void>>();

/**
 * Calls back once the signal aborts, at once where it has. Returns how to take that back, which whoever no longer waits
 * must do: signals live as long as the daemon. However many wait for one signal, it has one listener of theirs: adding
 * and removing one for each costs more than most of what is waited for.
 * @param callback another one each time
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  let waiting = listeners.get(signal);
  if (waiting === undefined) {
    const all = new Bag<() => void>();
    const abort = () => {
      for (const each of all) each();
    };
    signal.addEventListener('abort', abort, { once: true });
    listeners.set(signal, all);
    waiting = all;
  }
  return waiting.add(callback);
}

/** Many deadlines of the same length, with one timer among them. */
export class Deadlines {
  readonly milliseconds: number;
  readonly #waiting = new Bag<Deadline>();
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
  }

  /** Calls back when the time is over. Returns how to take that back. */
  start(late: () => void): () => void {
    const leave = this.#waiting.add({
      end: performance.now() + this.milliseconds,
      expire() {
        leave();
        late();
      },
    });
    this.#timer ??= setTimeout(() => this.#expire(), this.milliseconds);
    return leave;
  }

  /** Calls nobody back any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #expire(): void {
    const now = performance.now();
    for (const { end, expire } of this.#waiting) if (end - now <= 1) expire();
    // Not before: whoever is called back may have started another one.
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    const next = Math.min(...Array.from(this.#waiting, ({ end }) => end));
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, next - performance.now()));
  }
}

interface Deadline {
  /** By the monotonic clock, in milliseconds. */
  readonly end: number;
  expire(): void;
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
