/**
 * Things that come and go all the time, in no order. A Set or Map that so much goes through is moved to a new table
 * again and again, and each table of V8's leads to the one after it: once a single one has become old, all that came
 * later stays in memory until the next full collection, and is copied to and fro until then. Here places are used again.
 */
export class Slots<T extends object> implements Iterable<T> {
  readonly #places: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  /** Returns how to take it out again. @param item another one each time */
  add(item: T): () => void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = item;
    return () => {
      if (this.#places[place] !== item) return;
      this.#places[place] = undefined;
      this.#free.push(place);
    };
  }

  clear(): void {
    this.#places.length = 0;
    this.#free.length = 0;
  }

  /** The items while it iterates; one that is added meanwhile may be omitted. */
  *[Symbol.iterator](): Generator<T> {
    for (const item of this.#places) if (item !== undefined) yield item;
  }
}
