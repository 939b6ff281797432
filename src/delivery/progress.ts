import type { DeliveredRun } from '../journal/route-session.ts';
import type { PendingDelivery } from './pending-delivery.ts';

type Delivery = Readonly<PendingDelivery>;

/**
 * A delivery that is not settled holds the cursor back by this many entries at most, wanted or not: then it is listed.
 */
const longestReach = 10_000;

/** One that later ones have overtaken is listed after this time, in milliseconds: most are settled long before. */
const patience = 200;

/**
 * How far a route's cursor may go: up to the first delivery that is open, which is one that is neither settled nor listed.
 * A slow delivery holds back nothing: it is to be listed soon after a later one is settled.
 */
export class Progress {
  /** Everything up to here was read. */
  #through: number;
  /**
   * Deliveries in the journal's order, from the first that is open on; those behind it may be closed. No Map, for the
   * reason why there is `Slots`.
   */
  #deliveries: (PendingDelivery | undefined)[] = [];
  /** Where the first open one stands. */
  #first = 0;
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
  }

  /** Where to read on. */
  get through(): number {
    return this.#through;
  }

  /** Up to here, all is settled or listed. */
  get cursor(): number {
    const first = this.firstOpen;
    return first === undefined ? this.#through : first.entry.seq - 1;
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

  /** One that was open is settled or listed. */
  close({ entry }: Delivery): void {
    this.#lastSettled = Math.max(this.#lastSettled, entry.seq);
    for (let { firstOpen } = this; firstOpen !== undefined && !isOpen(firstOpen); firstOpen = this.firstOpen) {
      if (!firstOpen.listed) this.#delivered.add(firstOpen);
      this.#deliveries[this.#first] = undefined;
      this.#first += 1;
    }
    // The places of those that have gone are given up together: each by itself would move all the others.
    if (this.#first <= 1_000 && this.#first < this.#deliveries.length) return;
    this.#deliveries = this.#deliveries.slice(this.#first);
    this.#first = 0;
  }

  /** What the cursor has passed since the last time, and was delivered without being listed. */
  takeDelivered(): readonly DeliveredRun[] {
    const { runs } = this.#delivered;
    this.#delivered = new DeliveredRuns();
    return runs;
  }

  /** Milliseconds until there is something to list; without end where nothing has been overtaken. */
  listIn(now: number): number {
    const first = this.firstOpen;
    const isOvertaken = first !== undefined && first.entry.seq < this.#lastSettled;
    return isOvertaken ? Math.max(1, this.#overtakenAt + patience - now) : Number.POSITIVE_INFINITY;
  }

  /** What is open before this entry is to be listed now. @param isLast nothing can wait any longer: the route ends */
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

function isOpen({ listed, state }: Delivery): boolean {
  return !listed && state !== 'settled';
}

/** Deliveries in the journal's order, as numbers alone: what the cursor has passed isn't to be held in memory. */
class DeliveredRuns {
  readonly runs: Run[] = [];
  #last: Run | undefined;

  add({ entry, code }: Delivery): void {
    if (this.#last === undefined || this.#last.code !== code) {
      this.#last = { code, places: [], events: new Map() };
      this.runs.push(this.#last);
    }
    const { places, events } = this.#last;
    const event = entry.header.event ?? '';
    events.set(event, (events.get(event) ?? 0) + 1);
    if (places.at(-1) === entry.seq - 1) places[places.length - 1] = entry.seq;
    else places.push(entry.seq, entry.seq);
  }
}

interface Run extends DeliveredRun {
  readonly places: number[];
  readonly events: Map<string, number>;
}
