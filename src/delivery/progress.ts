import type { Listed, Settlement } from '../journal/journal.ts';
import type { Work } from './queue.ts';

/** A delivery that is not settled holds the cursor back by this many entries at most, wanted or not: then it is listed. */
const longestReach = 10_000;

/**
 * What a route has settled, as its journal gets to know it: a cursor up to which all is settled, except what is listed. A
 * slow delivery holds back nothing: it is listed as soon as a later one is settled.
 */
export class Progress {
  /** Everything up to here was read. */
  #through: number;
  /** The cursor that the journal was told last. */
  #cursor: number;
  /** Deliveries that are neither settled nor listed, in the journal's order. */
  readonly #open = new Map<number, Work>();
  #lastSettled = 0;
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

  /** What has changed since the last time, or null. */
  take(now: number): Settlement | null {
    this.#listSlow(now);
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

  /** Lists what later ones have overtaken. Should the process end now, it would be due at once. */
  #listSlow(now: number): void {
    const overtaken = Math.max(this.#lastSettled, this.#through - longestReach);
    for (const [seq, work] of this.#open) {
      if (seq >= overtaken) return;
      this.list(work, { state: 'waiting', reason: 'on its way', attempts: work.attempts, dueAt: now });
    }
  }
}
