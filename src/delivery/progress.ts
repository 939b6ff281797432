import type { Listed, Settlement } from '../journal/journal.ts';
import type { Work } from './queue.ts';

/**
 * A delivery that is not settled holds the cursor back by this many entries at most, wanted or not: then it is listed.
 */
const longestReach = 10_000;

/** One that later ones have overtaken is listed after this time, in milliseconds: most are settled long before. */
const patience = 200;

/**
 * What a route has settled, as its journal gets to know it: a cursor up to which all is settled, except what is listed.
 * A slow delivery holds back nothing: it is listed soon after a later one is settled.
 */
export class Progress {
  /** Everything up to here was read. */
  #through: number;
  /** The cursor that the journal was told last. */
  #cursor: number;
  /** Deliveries that are neither settled nor listed, in the journal's order. */
  readonly #open = new Map<number, Work>();
  #lastSettled = 0;
  /**
   * What the newest settled entry was at a time, in Unix milliseconds: what is still open before it has been overtaken
   * for as long.
   */
  #overtaken = 0;
  #overtakenAt = 0;
  #listed: Listed[] = [];
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
    this.#open.set(work.entry.seq, work);
  }

  settle(work: Work): void {
    const { seq } = work.entry;
    if (work.listed) this.#settled.push(seq);
    this.#close(seq);
  }

  /** The journal lists it from now on, or lists it otherwise. */
  list(work: Work, line: Omit<Listed, 'seq' | 'accountId'>): void {
    const { seq, accountId } = work.entry;
    this.#listed.push({ ...line, seq, accountId });
    work.listed = true;
    this.#close(seq);
  }

  /** Milliseconds until there is something to list; without end where nothing has been overtaken. */
  listIn(now: number): number {
    const [firstOpen] = this.#open.keys();
    const isOvertaken = firstOpen !== undefined && firstOpen < this.#lastSettled;
    return isOvertaken ? Math.max(1, this.#overtakenAt + patience - now) : Number.POSITIVE_INFINITY;
  }

  /** What has changed since the last time, or null. @param isLast there will be no other time */
  take(now: number, isLast = false): Settlement | null {
    if (isLast) this.#overtaken = this.#lastSettled;
    this.#listSlow(now, isLast);
    const [firstOpen] = this.#open.keys();
    const cursor = firstOpen === undefined ? this.#through : firstOpen - 1;
    if (cursor === this.#cursor && this.#listed.length === 0 && this.#settled.length === 0) return null;
    const settlement = { cursor, listed: this.#listed, settled: this.#settled };
    this.#cursor = cursor;
    this.#listed = [];
    this.#settled = [];
    return settlement;
  }

  #close(seq: number): void {
    if (this.#open.delete(seq)) this.#lastSettled = Math.max(this.#lastSettled, seq);
  }

  /** Lists what later ones have overtaken a while ago. Should the process end now, it would be due at once. */
  #listSlow(now: number, isLast: boolean): void {
    let overtaken = this.#through - longestReach;
    if (isLast || Math.abs(now - this.#overtakenAt) >= patience) {
      overtaken = Math.max(overtaken, this.#overtaken);
      this.#overtaken = this.#lastSettled;
      this.#overtakenAt = now;
    }
    for (const [seq, work] of this.#open) {
      if (seq >= overtaken) return;
      this.list(work, { state: 'waiting', reason: 'on its way', attempts: work.attempts, dueAt: now });
    }
  }
}
