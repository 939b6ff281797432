import { setTimeout as delay } from 'node:timers/promises';
import { Slots } from './slots.ts';

/** Many deadlines of the same length, with one timer among them. */
export class Deadlines {
  readonly milliseconds: number;
  readonly #waiting = new Slots<Deadline>();
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
