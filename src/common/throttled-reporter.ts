/** At most one report in this many milliseconds. */
const interval = 10_000;

/** Makes one report of many events of a kind: the first at once, those after it together. */
export class ThrottledReporter {
  readonly #report: (count: number, last: string) => void;
  #count = 0;
  #last = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (count: number, last: string) => void) {
    this.#report = report;
  }

  count(what: string): void {
    this.#count += 1;
    this.#last = what;
    if (this.#timer !== undefined) return;
    this.#flush();
    this.#timer = setTimeout(() => this.close(), interval);
  }

  /** Reports what is left. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flush();
  }

  #flush(): void {
    if (this.#count === 0) return;
    this.#report(this.#count, this.#last);
    this.#count = 0;
  }
}
