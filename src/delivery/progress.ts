import type { Recorded, Settlement } from '../journal/route-session.ts';
import type { Work } from './queue.ts';

/**
 * A delivery that is not settled holds the cursor back by this many entries at most, wanted or not: then it is listed.
 */
const longestReach = 10_000;

/** One that later ones have overtaken is listed after this time, in milliseconds: most are settled long before. */
const patience = 200;

/** Its reason: it is with the sink, or a try of it didn't count because the sink is away. Which one changes by the second. */
const onItsWay = 'on its way, or held back while the sink is away';

/**
 * What a route has settled, as its journal gets to know it: a cursor up to which all is settled, except what is listed.
 * A slow delivery holds back nothing: it is listed soon after a later one is settled.
 */
export class Progress {
  /** Everything up to here was read. */
  #through: number;
  /** The cursor that the journal was told last. */
  #cursor: number;
  /**
   * Deliveries in the journal's order, from the first that is open on; those behind it may be closed. No Map, for the
   * reason why there is `Slots`.
   */
  #works: (Work | undefined)[] = [];
  /** Where the first open one stands. */
  #first = 0;
  #lastSettled = 0;
  /**
   * What the newest settled entry was at a time, in Unix milliseconds: what is still open before it has been overtaken
   * for as long.
   */
  #overtaken = 0;
  #overtakenAt = 0;
  #listed: Recorded[] = [];
  #settled: number[] = [];

  constructor(cursor: number) {
    this.#through = cursor;
    this.#cursor = cursor;
  }

  /** Where to read on. */
  get through(): number {
    return this.#through;
  }

  /** What the journal knows, and counts lag from. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Everything up to `seq` was read; what of it the route wants is opened. */
  read(seq: number): void {
    this.#through = seq;
  }

  open(work: Work): void {
    work.open = true;
    this.#works.push(work);
  }

  settle(work: Work): void {
    if (work.listed) this.#settled.push(work.entry.seq);
    this.#close(work);
  }

  /** The journal lists it from now on, or lists it otherwise. */
  list(work: Work, line: Omit<Recorded, 'seq' | 'accountId' | 'exists'>): void {
    const { seq, accountId } = work.entry;
    this.#listed.push({ ...line, seq, accountId, exists: work.listed });
    work.listed = true;
    this.#close(work);
  }

  /** Milliseconds until there is something to list; without end where nothing has been overtaken. */
  listIn(now: number): number {
    const firstOpen = this.#works[this.#first]?.entry.seq;
    const isOvertaken = firstOpen !== undefined && firstOpen < this.#lastSettled;
    return isOvertaken ? Math.max(1, this.#overtakenAt + patience - now) : Number.POSITIVE_INFINITY;
  }

  /** What has changed since the last time, or null. @param isLast there will be no other time */
  take(now: number, isLast = false): Settlement | null {
    if (isLast) this.#overtaken = this.#lastSettled;
    this.#listSlow(now, isLast);
    const firstOpen = this.#works[this.#first]?.entry.seq;
    const cursor = firstOpen === undefined ? this.#through : firstOpen - 1;
    if (cursor === this.#cursor && this.#listed.length === 0 && this.#settled.length === 0) return null;
    const settlement = { cursor, recorded: this.#listed, settled: this.#settled };
    this.#cursor = cursor;
    this.#listed = [];
    this.#settled = [];
    return settlement;
  }

  #close(work: Work): void {
    if (!work.open) return;
    work.open = false;
    this.#lastSettled = Math.max(this.#lastSettled, work.entry.seq);
    for (let first = this.#works[this.#first]; first?.open === false; first = this.#works[this.#first]) {
      this.#works[this.#first] = undefined;
      this.#first += 1;
    }
    // The places of those that have gone are given up together: each by itself would move all the others.
    if (this.#first <= 1_000 && this.#first < this.#works.length) return;
    this.#works = this.#works.slice(this.#first);
    this.#first = 0;
  }

  /** Lists what later ones have overtaken a while ago. Should the process end now, it would be due at once. */
  #listSlow(now: number, isLast: boolean): void {
    let overtaken = this.#through - longestReach;
    if (isLast || Math.abs(now - this.#overtakenAt) >= patience) {
      overtaken = Math.max(overtaken, this.#overtaken);
      this.#overtaken = this.#lastSettled;
      this.#overtakenAt = now;
    }
    for (let work = this.#works[this.#first]; work !== undefined; work = this.#works[this.#first]) {
      if (work.entry.seq >= overtaken) return;
      this.list(work, { state: 'waiting', reason: onItsWay, attempts: work.attempts, dueAt: now });
    }
  }
}
