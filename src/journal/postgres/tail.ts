import type { MemoryBudget } from '../../common/memory-budget.ts';
import type { Entry, Interest } from '../../notification/entry.ts';
import { PageCache } from '../page-cache.ts';
import { RecentEntryCache } from '../recent-entry-cache.ts';
import type { Page } from '../route-session.ts';
import type { Appended } from './append.ts';
import type { Queryable } from './connection.ts';
import { entryOf, readPage, readRows } from './entries.ts';

/** What others have appended is read so much at a time; where it is more than some of that, each route reads it by itself. */
const rowsAtOnce = 500;
const bytesAtOnce = 4 * 1024 * 1024;
const most = 2_000;

interface Options {
  readonly database: Queryable;
  readonly memory: MemoryBudget;
  /** The number of this daemon. */
  readonly origin: number;
  /** The newest entry. */
  readonly head: number;
  /** How many routes read here. */
  readonly readers: () => number;
  readonly onAppended: () => void;
}

/**
 * The end of the journal, as routes read it: the newest entries are in memory, those that this daemon has appended and those
 * of others, which are read once for all routes.
 */
export class Tail {
  readonly #options: Options;
  readonly #recent: RecentEntryCache;
  readonly #pages: PageCache;
  /** All up to here is committed, and can be seen. */
  #head: number;
  /** All after `#recent.after` and up to here is in memory. */
  #through: number;
  /** What was appended here behind something that isn't in memory yet, in the journal's order. */
  #own: Appended[] = [];
  /** Those in memory that others have taken. */
  readonly #foreign = new Set<number>();
  #catchingUp = false;

  constructor(options: Options) {
    const { memory, head } = options;
    this.#options = options;
    this.#recent = new RecentEntryCache(head, memory.open());
    this.#pages = new PageCache(memory.open());
    this.#head = head;
    this.#through = head;
  }

  get head(): number {
    return this.#head;
  }

  /** This daemon has appended them. */
  appended({ base, fresh }: Appended): void {
    const last = base + fresh.length;
    this.#head = Math.max(this.#head, last);
    if (base === this.#through && !this.#catchingUp) {
      this.#recent.push(fresh);
      this.#through = last;
      this.#options.onAppended();
    } else {
      this.#own.push({ base, fresh });
      void this.#catchUp();
    }
  }

  /** Somebody has appended up to here. */
  seen(head: number): void {
    if (head <= this.#head) return;
    this.#head = head;
    void this.#catchUp();
  }

  /** Everything up to here is as it was; what came later is gone. */
  reset(head: number): void {
    this.#head = head;
    this.#own = [];
    this.#skipTo(head);
    this.#pages.clear();
  }

  get seqs(): number[] {
    return this.#recent.seqs;
  }

  /** These were erased; others may be as they were not. */
  forget(erased: ReadonlySet<number>): void {
    this.#recent.remove(erased);
    this.#pages.clear();
  }

  tidy(): void {
    this.#pages.tidy();
  }

  /** @param isOwn only what this daemon has taken */
  async read(seq: number, limit: number, interest: Interest, bytes?: number, isOwn = false): Promise<Page> {
    const recent = this.#recent.read(seq, limit, interest, bytes);
    if (recent !== null) return isOwn ? { ...recent, entries: recent.entries.filter(this.#isOwn) } : recent;
    const { database, origin, readers } = this.#options;
    const last = this.#head;
    const scan = (most?: number) =>
      readPage(database, { seq, last, limit, bytes: most, origin: isOwn ? origin : null }, interest);
    if (isOwn || readers() === 1) return scan(bytes);
    const page = await this.#pages.read({ seq, limit, bytes }, interest, scan);
    // Some may have come since it was read.
    return page.through < this.#head ? { ...page, more: true } : page;
  }

  passOver(seq: number, interest: Interest): number | null {
    return this.#recent.passOver(seq, interest);
  }

  readonly #isOwn = ({ seq }: Entry): boolean => !this.#foreign.has(seq);

  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      while (this.#own.length > 0 || this.#through < this.#head) if (!this.#takeOwn()) await this.#readOn();
    } catch {
      // Whoever reads finds it in the database, and is told where that can't be.
      this.#own = [];
      this.#skipTo(this.#head);
    } finally {
      this.#catchingUp = false;
    }
    this.#options.onAppended();
  }

  /** Takes what was appended here next; returns whether there was such. */
  #takeOwn(): boolean {
    const [next] = this.#own;
    if (next === undefined || next.base > this.#through) return false;
    this.#own.shift();
    if (next.base + next.fresh.length <= this.#through) return true;
    if (next.base === this.#through) this.#recent.push(next.fresh);
    else this.#recent.reset(next.base + next.fresh.length);
    this.#through = next.base + next.fresh.length;
    return true;
  }

  async #readOn(): Promise<void> {
    const { database, origin, readers } = this.#options;
    const last = this.#own[0]?.base ?? this.#head;
    if (readers() === 0 || last - this.#through > most) return this.#skipTo(last);
    const part = { seq: this.#through, last, limit: rowsAtOnce, bytes: bytesAtOnce, origin: null };
    const rows = await readRows(database, part);
    const end = rows.at(-1)?.seq;
    // Nothing of it may be left, and its end may be missing.
    if (end === undefined || last < this.#through) return this.#skipTo(last);
    for (const row of rows) if (row.origin !== origin) this.#foreign.add(row.seq);
    if (this.#foreign.size > 2 * most)
      for (const seq of this.#foreign) if (seq <= this.#recent.after) this.#foreign.delete(seq);
    this.#recent.push(rows.map(entryOf));
    this.#through = end;
  }

  /** All up to there isn't in memory. */
  #skipTo(place: number): void {
    this.#recent.reset(place);
    this.#foreign.clear();
    this.#through = place;
  }
}
