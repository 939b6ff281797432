import { bytesOf, type Entry } from '../../notification/entry.ts';

/** What is read at a time ends early when it takes so many bytes: a count alone doesn't bound memory. */
const maxBytes = 4 * 1024 * 1024;

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
    this.#bytes = Math.min(bytes, maxBytes);
  }

  /** Takes one more; returns whether that was the last. */
  isFullWith(entry: Entry): boolean {
    this.#entries -= 1;
    this.#bytes -= bytesOf(entry);
    return this.#entries <= 0 || this.#bytes <= 0;
  }
}
