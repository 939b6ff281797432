import type { Entry, Page } from './journal.ts';

const maxEntries = 1_000;
const maxCharacters = 8 * 1024 * 1024;

/** The newest entries, kept in memory so that routes that are caught up cost the disk nothing. */
export class Recent {
  #entries: Entry[] = [];
  #characters = 0;
  /** Every entry after this one is here. */
  #after: number;

  /** @param last the newest entry that is in the journal already */
  constructor(last: number) {
    this.#after = last;
  }

  push(entries: readonly Entry[]): void {
    for (const entry of entries) this.#characters += entry.json.length;
    this.#entries.push(...entries);
    this.#trim();
  }

  /** The entries after `seq`, `limit` at most; null where older ones may be missing here. */
  read(seq: number, limit: number): Page | null {
    if (seq < this.#after) return null;
    const first = this.#indexAfter(seq);
    const entries = this.#entries.slice(first, first + limit);
    return { entries, through: entries.at(-1)?.seq ?? seq };
  }

  /** Drops a quarter more than it must, so that moving the rest down is rare. */
  #trim(): void {
    if (this.#entries.length <= maxEntries && this.#characters <= maxCharacters) return;
    let dropped = 0;
    while (this.#entries.length - dropped > maxEntries * 0.75 || this.#characters > maxCharacters * 0.75) {
      this.#characters -= this.#entries[dropped]?.json.length ?? 0;
      dropped += 1;
    }
    this.#after = this.#entries[dropped - 1]?.seq ?? this.#after;
    this.#entries.splice(0, dropped);
  }

  #indexAfter(seq: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.seq ?? Number.POSITIVE_INFINITY) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
