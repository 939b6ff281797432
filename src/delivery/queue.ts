import type { PendingDelivery } from './pending-delivery.ts';

type Pending = Readonly<PendingDelivery>;

/** For what a delivery waits in the journal, and until when: null is until its turn has come. */
export interface Wait {
  readonly reason: string;
  /** Unix milliseconds. */
  readonly dueAt: number | null;
}

/** It has no time of its own, and is fetched when its turn has come. */
export const behind: Wait = { reason: 'waits behind an earlier one of its account', dueAt: null };

/**
 * The order in which the deliveries that a route holds in memory go out. A queue reads the state of each from the
 * delivery itself, and is called after a change.
 */
export interface Queue {
  /** False where it doesn't matter which goes out first. */
  readonly hasOrder: boolean;
  /** How many may go out now. */
  readonly ready: number;
  /** Takes one that is new, or due again; or tells for what it must wait in the journal. */
  add(delivery: PendingDelivery): Wait | undefined;
  /** Takes those that may go out now, `max` at most. */
  take(max: number): PendingDelivery[];
  /** Takes back what could not be attempted: to go out first, which keeps the order, or last. */
  putBack(deliveries: readonly PendingDelivery[], place: 'first' | 'last'): void;
  /** The attempt of a taken delivery has ended; returns those that must wait in the journal behind it. */
  release(delivery: Pending): PendingDelivery[];
  /** Accounts whose next deliveries must be fetched from the journal, until they are refilled. */
  needsRefill(): string[];
  /**
   * Gives such an account its next deliveries, oldest first; none are left in the journal when there are none. Returns
   * those that it takes.
   */
  refill(account: string, deliveries: readonly PendingDelivery[]): readonly PendingDelivery[];
  /** Entries that wait in the journal for their next try, and hold back what is behind them. */
  retryPending(): number[];
  /** These don't go out any more, nor hold back anything. Returns those that it had, and nobody has taken. */
  drop(seqs: ReadonlySet<number>): PendingDelivery[];
}

/** What queues without an order have in common: nothing waits behind anything else, and so nothing has to be fetched for it. */
export abstract class UnorderedQueue implements Queue {
  readonly hasOrder = false;

  abstract get ready(): number;
  abstract add(delivery: PendingDelivery): Wait | undefined;
  abstract take(max: number): PendingDelivery[];
  /** All that may go out. */
  protected abstract all(): PendingDelivery[];
  /** These, in the place of all that there were. */
  protected abstract hold(deliveries: PendingDelivery[]): void;

  putBack(deliveries: readonly PendingDelivery[], place: 'first' | 'last'): void {
    const ready = this.all();
    this.hold(place === 'first' ? [...deliveries, ...ready] : [...ready, ...deliveries]);
  }

  drop(seqs: ReadonlySet<number>): PendingDelivery[] {
    const ready = this.all();
    this.hold(ready.filter(({ entry }) => !seqs.has(entry.seq)));
    return ready.filter(({ entry }) => seqs.has(entry.seq));
  }

  release(): PendingDelivery[] {
    return [];
  }

  needsRefill(): string[] {
    return [];
  }

  refill(): readonly PendingDelivery[] {
    return [];
  }

  retryPending(): number[] {
    return [];
  }
}

/** First come, first served. */
export class Fifo extends UnorderedQueue {
  #deliveries: PendingDelivery[] = [];
  /** How many of them have been taken. */
  #taken = 0;

  get ready(): number {
    return this.#deliveries.length - this.#taken;
  }

  add(delivery: PendingDelivery): undefined {
    this.#deliveries.push(delivery);
  }

  take(max: number): PendingDelivery[] {
    const taken = this.#deliveries.slice(this.#taken, this.#taken + max);
    this.#taken += taken.length;
    // The places of those that have gone are given up together: each by itself would move all the others.
    if (this.#taken > 500 || this.ready === 0) this.putBack([], 'first');
    return taken;
  }

  protected all(): PendingDelivery[] {
    return this.#deliveries.slice(this.#taken);
  }

  protected hold(deliveries: PendingDelivery[]): void {
    this.#deliveries = deliveries;
    this.#taken = 0;
  }
}
