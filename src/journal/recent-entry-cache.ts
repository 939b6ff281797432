import type { MemoryShare } from '../common/memory-budget.ts';
import { bytesOf, type Entry, type Interest } from '../notification/entry.ts';
import { portionOf } from './portion.ts';
import type { Page } from './route-session.ts';

/** More would save few reads, and be copied by most collections of garbage. */
const maxEntries = 500;

/** The newest entries, kept in memory so that routes that are caught up cost the disk nothing. */
export class RecentEntryCache {
  #entries: Entry[] = [];
  /** As they came; the first of them may have lost some of its entries. */
  #batches: Batch[] = [];
  readonly #memory: MemoryShare;
  #after: number;
  /** Whether any route wants some accounts alone. */
  #asksForAccounts = false;

  /** @param last the newest entry that is in the journal already */
  constructor(last: number, memory: MemoryShare) {
    this.#after = last;
    this.#memory = memory;
  }

  push(entries: readonly Entry[]): void {
    const newest = entries.at(-1);
    if (newest === undefined) return;
    for (const entry of entries) this.#memory.take(bytesOf(entry));
    this.#entries.push(...entries);
    this.#batches.push(new Batch(newest.seq, entries, this.#asksForAccounts));
    this.#trim(entries.length);
  }

  /** Forgets all: what is pushed next comes after this one. */
  reset(last: number): void {
    for (const entry of this.#entries) this.#memory.giveBack(bytesOf(entry));
    this.#entries = [];
    this.#batches = [];
    this.#after = last;
  }

  /** Every entry after this one is here. */
  get after(): number {
    return this.#after;
  }

  get seqs(): number[] {
    return this.#entries.map(({ seq }) => seq);
  }

  /** These were erased. */
  remove(seqs: ReadonlySet<number>): void {
    if (seqs.size === 0) return;
    for (const entry of this.#entries) if (seqs.has(entry.seq)) this.#memory.giveBack(bytesOf(entry));
    this.#entries = this.#entries.filter(({ seq }) => !seqs.has(seq));
  }

  /**
   * The entries after `seq`, `limit` at most, without the batches before them that have no event of interest: a route
   * that wants nothing of what comes doesn't look at each. Null where older ones may be missing here.
   */
  read(seq: number, limit: number, interest: Interest, bytes?: number): Page | null {
    if (seq < this.#after) return null;
    const from = this.#passOver(seq, interest);
    const first = this.#indexAfter(from);
    const entries = portionOf(this.#entries, first, limit, bytes);
    const more = first + entries.length < this.#entries.length;
    // The newest entries may have been erased.
    const end = more ? 0 : (this.#batches.at(-1)?.last ?? 0);
    return { entries, through: Math.max(entries.at(-1)?.seq ?? from, end), more };
  }

  /** The newest place, where no batch behind `seq` has anything of interest; null where one has, or may have had. */
  passOver(seq: number, interest: Interest): number | null {
    const newest = this.#batches.at(-1)?.last ?? this.#after;
    return seq >= this.#after && this.#passOver(seq, interest) === newest ? newest : null;
  }

  /** The last place after `seq` up to which no batch has anything of interest. */
  #passOver(seq: number, interest: Interest): number {
    if (interest.accounts.length > 0) this.#asksForAccounts = true;
    // From the end: who is caught up has the last one or two before it.
    let next = this.#batches.length;
    while ((this.#batches[next - 1]?.last ?? 0) > seq) next -= 1;
    let through = seq;
    for (let batch = this.#batches[next]; batch !== undefined; batch = this.#batches[next]) {
      if (batch.hasAnyOf(interest)) break;
      through = batch.last;
      next += 1;
    }
    return through;
  }

  /**
   * Where there are too many, drops a quarter of them, so that moving the rest down is rare; but none of those that came last,
   * which routes are about to read.
   */
  #trim(newest: number): void {
    const most = this.#entries.length > maxEntries ? Math.max(newest, maxEntries * 0.75) : maxEntries;
    let dropped = 0;
    for (let entry = this.#entries[0]; entry !== undefined; entry = this.#entries[dropped]) {
      if (this.#entries.length - dropped <= most && !this.#memory.isFull) break;
      this.#memory.giveBack(bytesOf(entry));
      dropped += 1;
    }
    if (dropped === 0) return;
    this.#after = this.#entries[dropped - 1]?.seq ?? this.#after;
    this.#entries.splice(0, dropped);
    this.#batches = this.#batches.filter(({ last }) => last > this.#after);
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

/** What came together: every route is asked about it once, and not about each entry. */
class Batch {
  /** Where its newest entry stands. */
  readonly last: number;
  /** Each once; null where there is an entry without one, which a route that wants all events wants too. */
  readonly #events: readonly (string | null)[];
  /** Null where nobody has asked for them. */
  readonly #accounts: ReadonlySet<string | null> | null;

  constructor(last: number, entries: readonly Entry[], withAccounts: boolean) {
    this.last = last;
    this.#events = eventsOf(entries);
    this.#accounts = withAccounts ? new Set(entries.map(({ header }) => header.accountId)) : null;
  }

  /** False where none of its events is wanted, or none of its accounts. */
  hasAnyOf({ accounts, isWantedEvent }: Interest): boolean {
    if (!this.#events.some(isWantedEvent)) return false;
    const own = this.#accounts;
    return own === null || accounts.length === 0 || accounts.some((account) => own.has(account));
  }
}

function eventsOf(entries: readonly Entry[]): (string | null)[] {
  const events = new Set<string | null>();
  let last: string | null | undefined;
  for (const { header } of entries) {
    const { event } = header;
    // The same one often comes several times in a row.
    if (event !== last) events.add(event);
    last = event;
  }
  return [...events];
}
