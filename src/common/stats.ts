/** How many values of something fell below each of some bounds: a histogram in plain numbers, cheap to add to. */
export class Histogram {
  /** In ascending order. */
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Negative values, which a clock that was set back makes, count as none at all. */
  add(value: number): void {
    const { bounds } = this;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] ?? 0)) place += 1;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    if (value > 0) this.#sum += value;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** For each bound, how many values were at most that. */
  upTo(): number[] {
    let sum = 0;
    return this.bounds.map((_bound, place) => {
      sum += this.#counts[place] ?? 0;
      return sum;
    });
  }
}

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
