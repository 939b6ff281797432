import type { Work } from './queue.ts';

/** A route's deliveries in memory may have this many characters together: two batches, as `Supply` makes them. */
const maxCharacters = 8 * 1024 * 1024;

/** What of a route's deliveries is in memory, waiting in its queue or taken, by its place in the journal. */
export class Held {
  readonly #seqs = new Set<number>();
  /** Those of them that the journal lists already; and of these, those that an operator has dropped since. */
  readonly #listed = new Set<number>();
  readonly #dropped = new Set<number>();
  #characters = 0;

  /** True where no more should be held. */
  get isFull(): boolean {
    return this.#characters > maxCharacters;
  }

  /** Those that are held now. */
  get seqs(): ReadonlySet<number> {
    return new Set(this.#seqs);
  }

  /** Those of them that the journal lists. */
  get listed(): readonly number[] {
    return [...this.#listed];
  }

  add({ entry, listed }: Work): void {
    this.#seqs.add(entry.seq);
    if (listed) this.#listed.add(entry.seq);
    this.#characters += entry.json.length;
  }

  remove({ entry }: Work): void {
    this.#listed.delete(entry.seq);
    this.#dropped.delete(entry.seq);
    if (this.#seqs.delete(entry.seq)) this.#characters -= entry.json.length;
  }

  /** The journal lists them from now on. */
  list(lines: readonly { readonly seq: number }[]): void {
    for (const { seq } of lines) if (this.#seqs.has(seq)) this.#listed.add(seq);
  }

  /** The journal lists these no longer; of all others it does. */
  drop(seqs: ReadonlySet<number>): void {
    this.#dropped.clear();
    for (const seq of seqs) if (this.#listed.has(seq)) this.#dropped.add(seq);
  }

  isDropped({ entry }: Work): boolean {
    return this.#dropped.has(entry.seq);
  }
}
