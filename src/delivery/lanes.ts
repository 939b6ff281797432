import type { Fate, Queue, Work } from './queue.ts';

/** The deliveries of one account. */
interface Lane {
  works: Work[];
  /** The one that is on its way. */
  busy: number | null;
  /** More of it waits in the journal, before anything that is still to come. */
  parked: boolean;
  /** One of what is parked goes before what is in memory: an operator has made an older one due. */
  overdue: boolean;
  /** The one that waits for its next try: later ones, which an operator may have made due, wait behind it. */
  postponed: number | null;
}

/** More than this of one account, or of all together behind others of their accounts, wait in the journal. */
const longestLane = 100;
const mostHeld = 2_000;

/**
 * The order of each account: its deliveries go out one at a time, also across retries; accounts don't wait for each
 * other. What has no account has no order.
 */
export class Lanes implements Queue {
  readonly hasOrder = true;
  readonly #lanes = new Map<string, Lane>();
  /** Accounts whose next delivery may go out, in the order of their turns. */
  readonly #turns = new Set<string>();
  readonly #hungry = new Set<string>();
  /** What has no account; and what of it was put back to go out last, behind the turns of all accounts. */
  #free: Work[] = [];
  #last: Work[] = [];
  /** Deliveries in lanes. */
  #size = 0;

  /** @param parked accounts that have deliveries waiting in the journal already, with the entry of the first one */
  constructor(parked: ReadonlyMap<string, number>) {
    for (const [account, postponed] of parked) this.#lanes.set(account, { ...empty(), parked: true, postponed });
  }

  get ready(): number {
    return this.#free.length + this.#turns.size + this.#last.length;
  }

  add(work: Work): boolean {
    const account = work.entry.accountId;
    if (account === null) {
      this.#free.push(work);
      return true;
    }
    const lane = this.#lane(account);
    // A listed one is the first of a parked lane, whose time has come; a new one comes after all that is parked.
    const isIdle = lane.busy === null && lane.works.length === 0;
    const hasPlace = isIdle || (lane.works.length < longestLane && this.#size < mostHeld);
    const isTurn = isIdle && !this.#hungry.has(account) && work.entry.seq <= (lane.postponed ?? work.entry.seq);
    const isNext = work.listed ? isTurn : !lane.parked && hasPlace;
    if (work.listed || !isNext) lane.parked = true;
    if (isNext) this.#put(account, lane, lane.works.length, [work]);
    else {
      // It has no time of its own any more: it comes with whatever stands behind the one that goes first.
      if (work.entry.seq === lane.postponed) lane.postponed = null;
      if (work.entry.seq < (lane.works[0]?.entry.seq ?? lane.busy ?? 0)) lane.overdue = true;
      // Since a crash, the one that was listed first may be no longer the first of all.
      if (isIdle && !work.listed && work.entry.seq < (lane.postponed ?? 0)) this.#hungry.add(account);
    }
    return isNext;
  }

  take(max: number): Work[] {
    const works = this.#free.splice(0, max);
    for (const account of this.#turns) {
      if (works.length >= max) break;
      this.#turns.delete(account);
      const lane = this.#lane(account);
      const work = lane.works.shift();
      if (work === undefined) continue;
      lane.busy = work.entry.seq;
      this.#size -= 1;
      works.push(work);
    }
    return [...works, ...this.#last.splice(0, max - works.length)];
  }

  /** Accounts have their turns one after the other, so that only what has no account knows a place. */
  putBack(works: readonly Work[], place: 'first' | 'last'): void {
    const free = works.filter(({ entry }) => entry.accountId === null);
    if (place === 'first') this.#free = [...free, ...this.#free];
    else this.#last = [...this.#last, ...free];
    for (const work of works) {
      const account = work.entry.accountId;
      if (account === null) continue;
      const lane = this.#lane(account);
      lane.busy = null;
      lane.works.unshift(work);
      this.#size += 1;
      this.#goOn(account, lane);
    }
  }

  release(work: Work, fate: Fate): Work[] {
    const account = work.entry.accountId;
    if (account === null) return [];
    const lane = this.#lane(account);
    lane.busy = null;
    if (fate === 'waiting') {
      lane.parked = true;
      lane.postponed = work.entry.seq;
      const behind = lane.works.splice(0);
      this.#turns.delete(account);
      this.#size -= behind.length;
      if (lane.overdue) this.#goOn(account, lane);
      return behind;
    }
    if (work.entry.seq === lane.postponed) lane.postponed = null;
    this.#goOn(account, lane);
    return [];
  }

  hungry(): string[] {
    return [...this.#hungry];
  }

  feed(account: string, works: readonly Work[]): readonly Work[] {
    this.#hungry.delete(account);
    const lane = this.#lane(account);
    lane.overdue = false;
    // What an operator made due goes before what is in memory, and before the postponed one, which waits for its own time.
    const before = lane.works[0]?.entry.seq ?? lane.postponed;
    const next = before === null ? works : works.filter(({ entry }) => entry.seq < before);
    if (works.length === 0) lane.parked = false;
    if (next.length > 0 || lane.works.length > 0) this.#put(account, lane, 0, next);
    else if (lane.busy === null && !lane.parked) this.#lanes.delete(account);
    return next;
  }

  postponed(): number[] {
    return [...this.#lanes.values()].flatMap(({ postponed }) => postponed ?? []);
  }

  drop(seqs: ReadonlySet<number>): Work[] {
    const has = ({ entry }: Work) => seqs.has(entry.seq);
    const dropped = [...this.#free, ...this.#last].filter(has);
    this.#free = this.#free.filter((work) => !has(work));
    this.#last = this.#last.filter((work) => !has(work));
    for (const [account, lane] of this.#lanes) {
      const gone = lane.works.filter(has);
      const isFreed = lane.postponed !== null && seqs.has(lane.postponed);
      if (gone.length === 0 && !isFreed) continue;
      if (isFreed) lane.postponed = null;
      lane.works = lane.works.filter((work) => !has(work));
      this.#size -= gone.length;
      this.#turns.delete(account);
      if (lane.busy === null) this.#goOn(account, lane);
      for (const work of gone) dropped.push(work);
    }
    return dropped;
  }

  /** Nothing of it is on its way: the next one has its turn, or must be fetched. */
  #goOn(account: string, lane: Lane): void {
    if (lane.works.length > 0 && !lane.overdue) this.#turns.add(account);
    else if (lane.parked) this.#hungry.add(account);
    else this.#lanes.delete(account);
  }

  #put(account: string, lane: Lane, place: number, works: readonly Work[]): void {
    lane.works.splice(place, 0, ...works);
    this.#size += works.length;
    if (lane.busy === null) this.#turns.add(account);
  }

  #lane(account: string): Lane {
    let lane = this.#lanes.get(account);
    if (lane === undefined) {
      lane = empty();
      this.#lanes.set(account, lane);
    }
    return lane;
  }
}

function empty(): Lane {
  return { works: [], busy: null, parked: false, overdue: false, postponed: null };
}
