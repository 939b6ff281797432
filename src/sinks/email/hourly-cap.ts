const hour = 3_600_000;

/**
 * Counts what went out within the last hour. It reads no clock: the caller passes all times, in milliseconds of a clock
 * that only goes forward.
 */
export class HourlyCap {
  readonly #most: number;
  /** When each went out, the oldest first. */
  readonly #sent: number[] = [];
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(most: number) {
    this.#most = most;
  }

  /** Milliseconds until one more may go. */
  wait(now: number): number {
    while ((this.#sent[0] ?? now) <= now - hour) this.#sent.shift();
    const [oldest] = this.#sent;
    return oldest === undefined || this.#sent.length < this.#most ? 0 : oldest + hour - now;
  }

  /** One goes. Returns how to take that back, where it has reached nobody. */
  take(now: number): () => void {
    this.#sent.push(now);
    return () => {
      const at = this.#sent.lastIndexOf(now);
      if (at !== -1) this.#sent.splice(at, 1);
    };
  }

  /** True once an hour: whoever asks tells people that the cap is reached. */
  mayTell(now: number): boolean {
    if (now - this.#toldAt < hour) return false;
    this.#toldAt = now;
    return true;
  }
}
