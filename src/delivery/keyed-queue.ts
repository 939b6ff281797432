import type { PendingDelivery } from './pending-delivery.ts';
import { behind, type Queue, type Wait } from './queue.ts';

/** The deliveries of one account. */
interface AccountQueue {
  /** In their order; the first one may be with the sink. */
  deliveries: PendingDelivery[];
  /** More of it waits in the journal, before anything that is still to come. */
  spilled: boolean;
  /** A spilled delivery precedes those in memory, because an operator has made an older one due. */
  preempted: boolean;
  /** The one that waits for its next try: later ones, which an operator may have made due, wait behind it. */
  retryPending: number | null;
}

/** More than this of one account, or of all together behind others of their accounts, wait in the journal. */
const longestQueue = 100;
const mostPending = 2_000;

/**
 * The order of each account: its deliveries go out one at a time, also across retries; accounts don't wait for each
 * other. What has no account has no order.
 */
export class KeyedQueue implements Queue {
  readonly hasOrder = true;
  readonly #queues = new Map<string, AccountQueue>();
  /** Accounts whose next delivery may go out, in the order of their turns. */
  readonly #turns = new Set<string>();
  readonly #needsRefill = new Set<string>();
  /** Deliveries without an account; and those of them that go out last, after the turns of all accounts. */
  #free: PendingDelivery[] = [];
  #last: PendingDelivery[] = [];
  /** Deliveries of accounts that nobody has taken. */
  #pending = 0;

  /** @param spilled accounts that have deliveries waiting in the journal already, with the entry of the first one */
  constructor(spilled: ReadonlyMap<string, number>) {
    for (const [account, first] of spilled)
      this.#queues.set(account, { ...empty(), spilled: true, retryPending: first });
  }

  get ready(): number {
    return this.#free.length + this.#turns.size + this.#last.length;
  }

  add(delivery: PendingDelivery): Wait | undefined {
    const { seq, header } = delivery.entry;
    const { accountId } = header;
    if (accountId === null) {
      this.#free.push(delivery);
      return undefined;
    }
    const queue = this.#queueOf(accountId);
    // A recorded one is the first of a spilled queue, whose time has come; a new one comes after all that is spilled.
    const isIdle = queue.deliveries.length === 0;
    const hasPlace = isIdle || (queue.deliveries.length <= longestQueue && this.#pending < mostPending);
    const isTurn = isIdle && !this.#needsRefill.has(accountId) && seq <= (queue.retryPending ?? seq);
    const isNext = delivery.recorded ? isTurn : !queue.spilled && hasPlace;
    if (delivery.recorded || !isNext) queue.spilled = true;
    if (isNext) this.#put(accountId, queue, queue.deliveries.length, [delivery]);
    else {
      // It no longer has a time of its own: it goes out with those behind the first one.
      if (seq === queue.retryPending) queue.retryPending = null;
      if (seq < (firstPending(queue) ?? queue.deliveries[0]?.entry.seq ?? 0)) queue.preempted = true;
      // Since a crash, the one that was recorded first may be no longer the first of all.
      if (isIdle && !delivery.recorded && seq < (queue.retryPending ?? 0)) this.#needsRefill.add(accountId);
    }
    return isNext ? undefined : behind;
  }

  take(max: number): PendingDelivery[] {
    const taken = this.#free.splice(0, max);
    for (const account of this.#turns) {
      if (taken.length >= max) break;
      this.#turns.delete(account);
      const first = this.#queues.get(account)?.deliveries[0];
      if (first === undefined) continue;
      this.#pending -= 1;
      taken.push(first);
    }
    return [...taken, ...this.#last.splice(0, max - taken.length)];
  }

  /** Accounts have their turns one after the other, so that only what has no account knows a place. */
  putBack(deliveries: readonly PendingDelivery[], place: 'first' | 'last'): void {
    const free = deliveries.filter(({ entry }) => entry.header.accountId === null);
    if (place === 'first') this.#free = [...free, ...this.#free];
    else this.#last = [...this.#last, ...free];
    for (const { entry } of deliveries) {
      const { accountId } = entry.header;
      if (accountId === null) continue;
      this.#pending += 1;
      this.#goOn(accountId, this.#queueOf(accountId));
    }
  }

  release({ entry, state }: Readonly<PendingDelivery>): PendingDelivery[] {
    const account = entry.header.accountId;
    if (account === null) return [];
    const queue = this.#queueOf(account);
    queue.deliveries.shift();
    if (state === 'waiting') {
      queue.spilled = true;
      queue.retryPending = entry.seq;
      const behind = queue.deliveries.splice(0);
      this.#pending -= behind.length;
      if (queue.preempted) this.#goOn(account, queue);
      return behind;
    }
    if (entry.seq === queue.retryPending) queue.retryPending = null;
    this.#goOn(account, queue);
    return [];
  }

  needsRefill(): string[] {
    return [...this.#needsRefill];
  }

  refill(account: string, deliveries: readonly PendingDelivery[]): readonly PendingDelivery[] {
    this.#needsRefill.delete(account);
    const queue = this.#queueOf(account);
    queue.preempted = false;
    // Deliveries that an operator made due precede those in memory, and the one that waits for its own time.
    const before = queue.deliveries[0]?.entry.seq ?? queue.retryPending;
    const next = before === null ? deliveries : deliveries.filter(({ entry }) => entry.seq < before);
    if (deliveries.length === 0) queue.spilled = false;
    this.#put(account, queue, 0, next);
    if (queue.deliveries.length === 0 && !queue.spilled) this.#queues.delete(account);
    return next;
  }

  retryPending(): number[] {
    return [...this.#queues.values()].flatMap(({ retryPending }) => retryPending ?? []);
  }

  drop(seqs: ReadonlySet<number>): PendingDelivery[] {
    const has = ({ entry, state }: PendingDelivery) => state === 'pending' && seqs.has(entry.seq);
    const dropped = [...this.#free, ...this.#last].filter(has);
    this.#free = this.#free.filter((delivery) => !has(delivery));
    this.#last = this.#last.filter((delivery) => !has(delivery));
    for (const [account, queue] of this.#queues) {
      const gone = queue.deliveries.filter(has);
      const isFreed = queue.retryPending !== null && seqs.has(queue.retryPending);
      if (gone.length === 0 && !isFreed) continue;
      if (isFreed) queue.retryPending = null;
      queue.deliveries = queue.deliveries.filter((delivery) => !has(delivery));
      this.#pending -= gone.length;
      this.#turns.delete(account);
      if (!isBusy(queue)) this.#goOn(account, queue);
      for (const delivery of gone) dropped.push(delivery);
    }
    return dropped;
  }

  /** Nothing of it is on its way: the next one has its turn, or must be fetched. */
  #goOn(account: string, queue: AccountQueue): void {
    if (queue.deliveries.length > 0 && !queue.preempted) this.#turns.add(account);
    else if (queue.spilled) this.#needsRefill.add(account);
    else this.#queues.delete(account);
  }

  #put(account: string, queue: AccountQueue, place: number, deliveries: readonly PendingDelivery[]): void {
    queue.deliveries.splice(place, 0, ...deliveries);
    this.#pending += deliveries.length;
    if (queue.deliveries.length > 0 && !isBusy(queue)) this.#turns.add(account);
  }

  #queueOf(account: string): AccountQueue {
    let queue = this.#queues.get(account);
    if (queue === undefined) {
      queue = empty();
      this.#queues.set(account, queue);
    }
    return queue;
  }
}

function empty(): AccountQueue {
  return { deliveries: [], spilled: false, preempted: false, retryPending: null };
}

/** One is with the sink: no other goes out before its attempt has ended. */
function isBusy({ deliveries }: AccountQueue): boolean {
  return deliveries[0] !== undefined && deliveries[0].state !== 'pending';
}

function firstPending(queue: AccountQueue): number | undefined {
  return queue.deliveries[isBusy(queue) ? 1 : 0]?.entry.seq;
}
