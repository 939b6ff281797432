/** What a loop sleeps on: it is woken by a ring, also by one that came while it was awake. */
export class Wakeup {
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
