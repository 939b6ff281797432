import type { DeliveredRun } from '../journal/route-session.ts';
import type { DeliveryState, PendingDelivery } from './pending-delivery.ts';

type Delivery = Readonly<PendingDelivery>;

/**
 * A delivery that is not settled holds the cursor back by this many entries at most, wanted or not: then it is recorded.
 */
const longestReach = 10_000;

/** One that later ones have overtaken is recorded after this time, in milliseconds: most are settled long before. */
const patience = 200;

/**
 * How far a route's cursor may go: up to the first delivery that is open, which is neither settled, erased nor recorded.
 * A slow delivery holds back nothing: it is to be recorded soon after a later one is settled.
 */
export class Progress {
  /** Everything up to here was read. */
  #through: number;
  /**
   * Deliveries in the journal's order, from the first that is open on; those behind it may be closed. No Map, for the
   * reason why there is `Slots`.
   */
  #deliveries: (PendingDelivery | undefined)[] = [];
  /** The index of the first open one. */
  #first = 0;
  /** What is settled beyond a cursor, as it was when `ahead` was asked for; and whether any of it is since then. */
  #ahead = new Set<number>();
  #aheadOf: number;
  #hasMoreAhead = false;
  #lastSettled = 0;
  /**
   * What the newest settled entry was at a time, in Unix milliseconds: what is still open before it has been overtaken
   * for as long.
   */
  #overtaken = 0;
  #overtakenAt = 0;
  #delivered = new DeliveredRuns();

  constructor(cursor: number) {
    this.#through = cursor;
    this.#aheadOf = cursor;
  }

  /** Where to read on. */
  get through(): number {
    return this.#through;
  }

  /** Up to here, all is settled or recorded. */
  get cursor(): number {
    const first = this.firstOpen;
    return first === undefined ? this.#through : first.entry.seq - 1;
  }

  get allOpen(): readonly PendingDelivery[] {
    return this.#deliveries.filter((delivery) => delivery !== undefined).filter(isOpen);
  }

  /** True if the cursor alone doesn't cover what was settled last. */
  get hasMoreAhead(): boolean {
    return this.#hasMoreAhead;
  }

  /** True where nothing is open, and nothing to be told but how far the journal was read. */
  get isIdle(): boolean {
    return this.firstOpen === undefined && !this.#hasMoreAhead && this.#delivered.runs.length === 0;
  }

  get firstOpen(): PendingDelivery | undefined {
    return this.#deliveries[this.#first];
  }

  /** Everything up to `seq` was read; what of it the route wants is opened. */
  read(seq: number): void {
    this.#through = seq;
  }

  open(delivery: PendingDelivery): void {
    this.#deliveries.push(delivery);
  }

  /** Also one that isn't open, because it is recorded. */
  settled(delivery: PendingDelivery): void {
    if (!delivery.recorded) this.close(delivery);
    const { seq } = delivery.entry;
    if (seq <= this.cursor) return;
    this.#ahead.add(seq);
    this.#hasMoreAhead = true;
  }

  /** All that is settled beyond the cursor. */
  ahead(): readonly number[] {
    const { cursor } = this;
    // While a slow one holds the cursor back, there may be thousands.
    if (cursor > this.#aheadOf) this.#ahead = new Set([...this.#ahead].filter((seq) => seq > cursor));
    this.#aheadOf = cursor;
    this.#hasMoreAhead = false;
    return [...this.#ahead];
  }

  /** One that was open is settled, erased or recorded. */
  close({ entry }: Delivery): void {
    this.#lastSettled = Math.max(this.#lastSettled, entry.seq);
    for (let { firstOpen } = this; firstOpen !== undefined && !isOpen(firstOpen); firstOpen = this.firstOpen) {
      if (!firstOpen.recorded && firstOpen.state === 'settled') this.#delivered.add(firstOpen);
      this.#deliveries[this.#first] = undefined;
      this.#first += 1;
    }
    // The places of those that have gone are given up together: each by itself would move all the others.
    if (this.#first <= 1_000 && this.#first < this.#deliveries.length) return;
    this.#deliveries = this.#deliveries.slice(this.#first);
    this.#first = 0;
  }

  /** What the cursor has passed since the last time, and was delivered without being recorded. */
  takeDelivered(): readonly DeliveredRun[] {
    const { runs } = this.#delivered;
    this.#delivered = new DeliveredRuns();
    return runs;
  }

  /** Milliseconds until there is something to record; without end where nothing has been overtaken. */
  recordIn(now: number): number {
    const first = this.firstOpen;
    const isOvertaken = first !== undefined && first.entry.seq < this.#lastSettled;
    return isOvertaken ? Math.max(1, this.#overtakenAt + patience - now) : Number.POSITIVE_INFINITY;
  }

  /** What is open before this entry is to be recorded now. @param isLast nothing can wait any longer: the route ends */
  overtakenBefore(now: number, isLast: boolean): number {
    const outOfReach = this.#through - longestReach;
    if (isLast) return Math.max(outOfReach, this.#lastSettled);
    if (Math.abs(now - this.#overtakenAt) < patience) return outOfReach;
    const overtaken = this.#overtaken;
    this.#overtaken = this.#lastSettled;
    this.#overtakenAt = now;
    return Math.max(outOfReach, overtaken);
  }
}

function isOpen({ recorded, state }: Delivery): boolean {
  return !recorded && !over.includes(state);
}

const over: readonly DeliveryState[] = ['settled', 'withdrawn', 'dropped'];

/**
 * Deliveries in the journal's order, as numbers alone: what the cursor has passed isn't to be held in memory. Plain fields
 * and one look-up for each: every delivery comes by here.
 */
class DeliveredRuns {
  readonly runs: Run[] = [];
  #last: Run | undefined;

  add({ entry, code }: Delivery): void {
    let run = this.#last;
    if (run?.code !== code || run === undefined) {
      run = new Run(code);
      this.#last = run;
      this.runs.push(run);
    }
    const counter = run.counters.get(entry.header.event);
    if (counter === undefined) run.counters.set(entry.header.event, { count: 1 });
    else counter.count += 1;
    if (run.through === entry.seq - 1) run.places[run.places.length - 1] = entry.seq;
    else run.places.push(entry.seq, entry.seq);
    run.through = entry.seq;
  }
}

class Run implements DeliveredRun {
  readonly code: number | string | null;
  readonly places: number[] = [];
  readonly counters = new Map<string | null, { count: number }>();
  /** The last of the places. */
  through = -1;

  constructor(code: number | string | null) {
    this.code = code;
  }

  get events(): ReadonlyMap<string, number> {
    return new Map([...this.counters].map(([event, { count }]) => [event ?? '', count]));
  }
}
