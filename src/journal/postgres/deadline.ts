import { StoreAway } from './failure.ts';

/** A call's end, whatever it waits for. */
export class Deadline {
  readonly #timer: NodeJS.Timeout;
  readonly #within: number;
  #onLate: ((failure: StoreAway) => void) | undefined;

  constructor(within: number) {
    this.#within = within;
    this.#timer = setTimeout(() => {
      this.#onLate?.(new StoreAway(`the journal has not answered within ${this.#within} ms`));
    }, within);
  }

  /** One promise at a time. @param cancel is told where it takes too long */
  of<T>(promise: Promise<T>, cancel: (failure: StoreAway) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#onLate = (failure) => {
        cancel(failure);
        reject(failure);
      };
      promise.then(resolve, reject);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** One promise, and no longer than so many milliseconds. @param cancel is told where it takes longer */
export function inTime<T>(promise: Promise<T>, within: number, cancel: (failure: StoreAway) => void): Promise<T> {
  const deadline = new Deadline(within);
  return deadline.of(promise, cancel).finally(() => deadline.end());
}
