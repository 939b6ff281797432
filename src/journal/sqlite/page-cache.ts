import type { MemoryShare } from '../../common/memory-budget.ts';
import { bytesOf, type Interest } from '../../notification/entry.ts';
import type { Page } from '../route-session.ts';
import { portionOf } from './portion.ts';

/** This part of all memory is for pages, though it is full: what routes hold of them is the same. */
const part = 1 / 8;

interface KeptPage {
  /**
   * The route's interest, the place from which it was read, and the last place, which is just behind the first until it
   * is known.
   */
  readonly interest: string;
  readonly after: number;
  through: number;
  readonly reading: Promise<Page>;
  bytes: number;
  /** Since the last look. */
  isUsed: boolean;
}

/** What a route wants of a page. */
interface Place {
  readonly seq: number;
  readonly limit: number;
  readonly bytes: number | undefined;
}

/**
 * Pages that were read from disk just now: routes that go through the same backlog near each other read it once, and hold
 * the same entries.
 */
export class PageCache {
  /** The one that was used last comes last. */
  readonly #pages = new Set<KeptPage>();
  readonly #memory: MemoryShare;

  constructor(memory: MemoryShare) {
    this.#memory = memory;
  }

  /** The entries after a place. @param readPage reads from there on, where they are neither here nor on their way */
  async read(place: Place, interest: Interest, readPage: (bytes?: number) => Promise<Page>): Promise<Page> {
    const { seq, limit, bytes } = place;
    const wanted = JSON.stringify([interest.events, interest.accounts]);
    const page =
      this.#find(seq, wanted) ?? this.#add(seq, wanted, readPage(bytes && Math.max(bytes, this.#memory.limit * part)));
    const { entries, through, more } = await page.reading;
    const first = entries.findIndex((entry) => entry.seq > seq);
    if (first === -1) return { entries: [], through, more };
    const portion = portionOf(entries, first, limit, bytes);
    const isAll = first + portion.length === entries.length;
    return { entries: portion, through: isAll ? through : (portion.at(-1)?.seq ?? seq), more: more || !isAll };
  }

  /** Releases pages that nobody has used since the last call. */
  tidy(): void {
    for (const page of this.#pages) {
      if (!page.isUsed) this.#drop(page);
      page.isUsed = false;
    }
  }

  /** Gives up all. */
  clear(): void {
    for (const page of this.#pages) this.#drop(page);
  }

  #find(seq: number, interest: string): KeptPage | undefined {
    for (const page of this.#pages) {
      if (page.interest !== interest || seq < page.after || seq >= page.through) continue;
      this.#pages.delete(page);
      this.#pages.add(page);
      page.isUsed = true;
      return page;
    }
    return undefined;
  }

  #add(after: number, interest: string, reading: Promise<Page>): KeptPage {
    const page: KeptPage = { interest, after, through: after + 1, reading, bytes: 0, isUsed: true };
    this.#pages.add(page);
    reading.then(
      ({ entries, through }) => {
        if (!this.#pages.has(page)) return;
        page.through = through;
        for (const entry of entries) page.bytes += bytesOf(entry);
        this.#memory.take(page.bytes);
        for (const oldest of this.#pages) {
          if (this.#memory.held <= this.#memory.limit * part) break;
          this.#drop(oldest);
        }
      },
      () => this.#drop(page),
    );
    return page;
  }

  #drop(page: KeptPage): void {
    if (this.#pages.delete(page)) this.#memory.giveBack(page.bytes);
  }
}
