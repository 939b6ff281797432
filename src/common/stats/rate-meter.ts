/** Seconds that the rate is taken over. */
const span = 60;

/** How many of something there were a second, over the last minute. */
export class RateMeter {
  readonly #counts = new Array<number>(span).fill(0);
  #second = now();
  readonly #startedAt = now();

  count(amount: number): void {
    this.#advance();
    this.#counts[this.#second % span] = (this.#counts[this.#second % span] ?? 0) + amount;
  }

  get perSecond(): number {
    this.#advance();
    const seconds = Math.min(span, this.#second - this.#startedAt + 1);
    return this.#counts.reduce((sum, count) => sum + count, 0) / seconds;
  }

  /** Empties the places of the seconds that have passed since. */
  #advance(): void {
    const second = now();
    const passed = Math.min(span, second - this.#second);
    for (let step = 1; step <= passed; step += 1) this.#counts[(this.#second + step) % span] = 0;
    this.#second = second;
  }
}

/** Whole seconds of the monotonic clock. */
function now(): number {
  return Math.floor(performance.now() / 1_000);
}
