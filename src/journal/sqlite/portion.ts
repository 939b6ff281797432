import type { Entry } from '../../notification/entry.ts';

/** What is read at a time ends early when its bodies have this many characters: a count alone doesn't bound memory. */
const maxCharacters = 4 * 1024 * 1024;

/** How much may be read at a time, as it is used up. */
export class Portion {
  #entries: number;
  #characters = maxCharacters;

  /** @param limit of entries */
  constructor(limit: number) {
    this.#entries = limit;
  }

  /** Takes one more; returns whether that was the last. */
  isFullWith({ json }: Entry): boolean {
    this.#entries -= 1;
    this.#characters -= json.length;
    return this.#entries <= 0 || this.#characters <= 0;
  }
}
