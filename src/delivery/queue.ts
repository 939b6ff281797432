import type { Entry } from '../journal/entry.ts';
import type { Attempt } from '../journal/route-session.ts';

/** A notification on its way to a route's sink. A class, because it lives as long as a batch: see `Decoded`. */
export class Work {
  readonly entry: Entry;
  /** Its tries so far, all of which failed. */
  attempts: readonly Attempt[];
  /** True once the journal lists it as unsettled, and so must be told when it is settled. */
  listed: boolean;
  /** True while it is neither settled nor listed, since `Progress` got to know it. */
  open = false;

  constructor(entry: Entry, attempts: readonly Attempt[], listed: boolean) {
    this.entry = entry;
    this.attempts = attempts;
    this.listed = listed;
  }
}

/** What became of a delivery: `settled` for good, or `waiting` in the journal for its next try. */
export type Fate = 'settled' | 'waiting';

/** The deliveries that a route holds in memory and that may go out now or soon. */
export interface Queue {
  /** False where it doesn't matter which goes out first. */
  readonly hasOrder: boolean;
  /** How many may go out now. */
  readonly ready: number;
  /** False where it must wait in the journal, behind an earlier one of its account. */
  add(work: Work): boolean;
  /** Takes those that may go out now, `max` at most. */
  take(max: number): Work[];
  /** Takes back what could not be tried. It goes out first, so that there is an order while there can be one; or last. */
  putBack(works: readonly Work[], place: 'first' | 'last'): void;
  /** Says what became of one that was taken; returns those that must wait in the journal behind it. */
  release(work: Work, fate: Fate): Work[];
  /** Accounts whose next deliveries must be fetched from the journal, until they are fed. */
  hungry(): string[];
  /**
   * Gives a hungry account its next deliveries, oldest first; none are left in the journal when there are none. Returns
   * those that it takes.
   */
  feed(account: string, works: readonly Work[]): readonly Work[];
  /** Entries that wait in the journal for their next try, and hold back what is behind them. */
  postponed(): number[];
  /** These don't go out any more, nor hold back anything. Returns those that it had, and nobody has taken. */
  drop(seqs: ReadonlySet<number>): Work[];
}

/** No order: first come, first served. */
export class Fifo implements Queue {
  readonly hasOrder = false;
  #works: Work[] = [];
  /** How many of them have been taken. */
  #taken = 0;

  get ready(): number {
    return this.#works.length - this.#taken;
  }

  add(work: Work): boolean {
    this.#works.push(work);
    return true;
  }

  take(max: number): Work[] {
    const works = this.#works.slice(this.#taken, this.#taken + max);
    this.#taken += works.length;
    // The places of those that have gone are given up together: each by itself would move all the others.
    if (this.#taken > 500 || this.ready === 0) this.putBack([], 'first');
    return works;
  }

  putBack(works: readonly Work[], place: 'first' | 'last'): void {
    const ready = this.#works.slice(this.#taken);
    this.#works = place === 'first' ? [...works, ...ready] : [...ready, ...works];
    this.#taken = 0;
  }

  release(): Work[] {
    return [];
  }

  hungry(): string[] {
    return [];
  }

  feed(): readonly Work[] {
    return [];
  }

  postponed(): number[] {
    return [];
  }

  drop(seqs: ReadonlySet<number>): Work[] {
    const ready = this.#works.slice(this.#taken);
    this.#works = ready.filter(({ entry }) => !seqs.has(entry.seq));
    this.#taken = 0;
    return ready.filter(({ entry }) => seqs.has(entry.seq));
  }
}
