import { bytesOf, type Entry } from '../notification/entry.ts';

/** What is read at a time ends early when it takes so many bytes: a count alone doesn't bound memory. */
const maxBytes = 4 * 1024 * 1024;

/** Of entries in memory, those from an index on that may be read at a time. */
export function portionOf(entries: readonly Entry[], first: number, limit: number, bytes?: number): Entry[] {
  const portion = new Portion(limit, bytes);
  const read = entries.slice(first, first + limit);
  const last = read.findIndex((entry) => portion.isFullWith(entry));
  if (last !== -1) read.length = last + 1;
  return read;
}

/** How much may be read at a time, as it is used up. */
export class Portion {
  #entries: number;
  #bytes: number;

  /**
   * @param limit of entries
   * @param bytes of memory that they may take; the first one is read all the same
   */
  constructor(limit: number, bytes: number = maxBytes) {
    this.#entries = limit;
    // A share of memory may not come out even, and no store takes a part of a byte.
    this.#bytes = Math.floor(Math.min(bytes, maxBytes));
  }

  /** How many bytes are left. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many entries are left. */
  get entries(): number {
    return this.#entries;
  }

  /** Takes one more; returns whether that was the last. */
  isFullWith(entry: Entry): boolean {
    return this.isFullWithBytes(bytesOf(entry));
  }

  /** The same, where the store says what it takes. */
  isFullWithBytes(bytes: number): boolean {
    this.#entries -= 1;
    this.#bytes -= bytes;
    return this.#entries <= 0 || this.#bytes <= 0;
  }
}
