import type { MemoryShare } from '../common/memory-budget.ts';
import {
  type Attempt,
  type DeliveredRecord,
  type Recorded,
  type RecordKey,
  restartedAt,
  type Settlement,
  triesIn,
  type Waiting,
} from '../journal/route-session.ts';
import { bytesOf, type Entry } from '../notification/entry.ts';
import { fittingOf, PendingDelivery } from './pending-delivery.ts';
import { Progress } from './progress.ts';
import { behind, type Queue, type Wait } from './queue.ts';

type Delivery = Readonly<PendingDelivery>;

/** An entry in memory, and what the sink gets of it. That is counted beforehand: an attempt doesn't wait for room. */
const copies = 2;

/** It is with the sink, or a try of it didn't count because the sink is away. Which one changes by the second. */
const onItsWay = 'on its way, or held back while the sink is away';

/**
 * The state of each of a route's deliveries, with one method for each transition; nothing else changes a state. Changes
 * for the journal are collected until it asks for them. See the diagram in docs/design.md.
 */
export class RouteLedger {
  /** In which order those in memory go out. */
  readonly #queue: Queue;
  readonly #progress: Progress;
  /** Of those in memory, the ones that the journal has a record of: they are few, and an operator may drop them. */
  readonly #recorded = new Map<number, PendingDelivery>();
  readonly #memory: MemoryShare;
  #attempting = 0;
  #records: Recorded[] = [];
  #settled: DeliveredRecord[] = [];
  #cursor: number;
  /** When the next one that waits is due, in Unix milliseconds, as far as known: 0 where the journal must be asked. */
  nextDue = 0;

  constructor(cursor: number, queue: Queue, memory: MemoryShare) {
    this.#cursor = cursor;
    this.#queue = queue;
    this.#memory = memory;
    this.#progress = new Progress(cursor);
  }

  /** The cursor that the journal was told last: lag counts from there. */
  get cursor(): number {
    return this.#cursor;
  }

  /** The journal was read up to here. */
  get through(): number {
    return this.#progress.through;
  }

  /** False where it doesn't matter which goes out first. */
  get hasOrder(): boolean {
    return this.#queue.hasOrder;
  }

  /** How many may be tried now. */
  get ready(): number {
    return this.#queue.ready;
  }

  /** How many are with the sink. */
  get attempting(): number {
    return this.#attempting;
  }

  /** True where no more should be held in memory. */
  get isFull(): boolean {
    return this.#memory.isFull;
  }

  /** Bytes that the entries may take that are read next. */
  get spare(): number {
    return this.#memory.room / copies;
  }

  /** Those in memory that the journal has a record of. */
  get recorded(): ReadonlySet<number> {
    return new Set(this.#recorded.keys());
  }

  /** Those that must have a record in the journal, unless an operator has dropped them. */
  get droppable(): readonly number[] {
    return [...this.#recorded.keys(), ...this.#queue.retryPending()];
  }

  /** Those in memory that the journal has no record of: only their entries can be lost. */
  get unrecorded(): readonly number[] {
    return this.#progress.allOpen.map(({ entry }) => entry.seq);
  }

  /** Accounts whose next deliveries wait in the journal, and whose turn it is. */
  needsRefill(): string[] {
    return this.#queue.needsRefill();
  }

  /** Milliseconds until `changes` has something to tell that no transition brings. */
  changesIn(now: number): number {
    return this.#progress.recordIn(now);
  }

  /** Everything up to here was read from the journal, and what of it the route wants was opened. */
  read(through: number): void {
    this.#progress.read(through);
  }

  /** → pending, or → waiting where it has no place or its digest isn't due. @param mayRepeat it may have been delivered before this start */
  open(entry: Entry, mayRepeat: boolean): void {
    const delivery = new PendingDelivery(entry, none, false, mayRepeat);
    this.#progress.open(delivery);
    this.#admit(delivery);
  }

  /** → quarantined */
  quarantine({ seq, header: { event, accountId } }: Entry, reason: string): void {
    this.#records.push({
      ...{ seq, event, accountId, state: 'quarantined', reason },
      ...{ attempts: none, dueAt: null, exists: false },
    });
  }

  /** waiting → pending: it is due. It goes on waiting, without a time of its own, where it isn't its account's turn. */
  resume(waiting: Waiting): void {
    this.#admit(resumed(waiting));
  }

  /** waiting → pending: the next ones of an account, due or not. */
  refill(account: string, waiting: readonly Waiting[]): void {
    for (const delivery of this.#queue.refill(account, waiting.map(resumed))) this.#enter(delivery);
  }

  /** pending → attempting: as many as fit into one batch, `max` at most. @param size as of `SinkLimits` */
  attempt(max: number, size?: number): readonly Delivery[] {
    const deliveries = this.#queue.take(max);
    const fitting = fittingOf(deliveries, size);
    if (fitting < deliveries.length) this.#queue.putBack(deliveries.splice(fitting), 'first');
    for (const delivery of deliveries) delivery.state = 'attempting';
    this.#attempting += deliveries.length;
    return deliveries;
  }

  /** attempting → pending: it could not be tried, and goes out first or last. */
  requeue(deliveries: readonly PendingDelivery[], place: 'first' | 'last'): void {
    const left = deliveries.filter((delivery) => !this.#dropWithdrawn(delivery));
    for (const delivery of left) {
      delivery.state = 'pending';
      delivery.mayRepeat = mayRepeat(delivery.attempts);
    }
    this.#attempting -= left.length;
    this.#queue.putBack(left, place);
  }

  /**
   * attempting → settled; a withdrawn one no longer has a record to settle.
   * @param code the sink's answer, if it has one
   */
  settle(delivery: PendingDelivery, code: number | string | null): void {
    if (this.#dropWithdrawn(delivery)) return;
    delivery.state = 'settled';
    delivery.code = code;
    if (delivery.recorded) this.#settled.push(settledRecordOf(delivery));
    this.#progress.settled(delivery);
    this.#end(delivery);
  }

  /**
   * attempting → waiting: the next attempt is at a time, in Unix milliseconds; the account's other deliveries wait
   * behind it.
   */
  retryAt(dueAt: number, delivery: PendingDelivery, attempts: readonly Attempt[], reason: string): void {
    if (this.#dropWithdrawn(delivery)) return;
    delivery.attempts = attempts;
    this.#wait(delivery, { reason, dueAt });
    for (const later of this.#end(delivery)) {
      this.#wait(later, behind);
      this.#leave(later);
    }
  }

  /** attempting → dead. Returns false where an operator has dropped it meanwhile. */
  deadLetter(delivery: PendingDelivery, attempts: readonly Attempt[], reason: string): boolean {
    if (this.#dropWithdrawn(delivery)) return false;
    delivery.attempts = attempts;
    delivery.state = 'dead';
    this.#record(delivery, 'dead', reason, null);
    this.#end(delivery);
    return true;
  }

  /**
   * pending → dropped, and attempting → withdrawn: an operator has dropped those of the `droppable` ones whose records
   * are gone. One that was replayed since has another record, and comes again with that.
   * @param waiting records of entries that wait, as `restartedAt` by entry
   */
  drop(droppable: readonly number[], waiting: ReadonlyMap<number, number>): void {
    const isGone = (seq: number) => {
      const delivery = this.#recorded.get(seq);
      return delivery === undefined ? !waiting.has(seq) : waiting.get(seq) !== keyOf(delivery).restartedAt;
    };
    const gone = new Set(droppable.filter(isGone));
    this.#withdraw(
      gone,
      [...gone].flatMap((seq) => this.#recorded.get(seq) ?? []),
    );
  }

  /** pending → dropped, and attempting → withdrawn: an operator has erased these of the `unrecorded` ones. */
  erase(gone: ReadonlySet<number>): void {
    const erased = this.#progress.allOpen.filter(({ entry }) => gone.has(entry.seq));
    this.#withdraw(gone, erased);
    for (const delivery of erased) this.#progress.close(delivery);
  }

  /**
   * What has changed for the journal since the last time, or null. What later ones have overtaken a while ago is recorded:
   * should the process end now, it would be due at once. @param isLast there will be no other time
   */
  changes(now: number, isLast: boolean): Settlement | null {
    const overtaken = this.#progress.overtakenBefore(now, isLast);
    for (let { firstOpen } = this.#progress; firstOpen !== undefined; { firstOpen } = this.#progress) {
      if (firstOpen.entry.seq >= overtaken) break;
      this.#record(firstOpen, 'waiting', onItsWay, now);
      this.#recorded.set(firstOpen.entry.seq, firstOpen);
    }
    const { cursor } = this.#progress;
    const hasNews = this.#records.length > 0 || this.#settled.length > 0 || this.#progress.hasMoreAhead;
    if (cursor === this.#cursor && !hasNews) return null;
    const [ahead, delivered] = [this.#progress.ahead(), this.#progress.takeDelivered()];
    const settlement = { cursor, ahead, recorded: this.#records, settled: this.#settled, delivered };
    this.#cursor = cursor;
    this.#records = [];
    this.#settled = [];
    return settlement;
  }

  /** Those that wait for their turn leave at once; the others are with the sink. */
  #withdraw(gone: ReadonlySet<number>, deliveries: readonly PendingDelivery[]): void {
    for (const delivery of this.#queue.drop(gone)) {
      delivery.state = 'dropped';
      this.#leave(delivery);
    }
    for (const delivery of deliveries) if (delivery.state === 'attempting') delivery.state = 'withdrawn';
  }

  #admit(delivery: PendingDelivery): void {
    const wait = this.#queue.add(delivery);
    if (wait === undefined) this.#enter(delivery);
    else this.#wait(delivery, wait);
  }

  #wait(delivery: PendingDelivery, { reason, dueAt }: Wait): void {
    delivery.state = 'waiting';
    this.#record(delivery, 'waiting', reason, dueAt);
    if (dueAt !== null) this.nextDue = Math.min(this.nextDue, dueAt);
  }

  /**
   * withdrawn → dropped, whatever the result of its attempt. If it was replayed since, that delivery has been held back
   * until now.
   */
  #dropWithdrawn(delivery: PendingDelivery): boolean {
    if (delivery.state !== 'withdrawn') return false;
    delivery.state = 'dropped';
    this.#end(delivery);
    this.nextDue = 0;
    return true;
  }

  /** Its attempt has ended, and it leaves the memory. Returns those that must wait in the journal behind it. */
  #end(delivery: PendingDelivery): readonly PendingDelivery[] {
    this.#attempting -= 1;
    this.#leave(delivery);
    return this.#queue.release(delivery);
  }

  #enter(delivery: PendingDelivery): void {
    this.#memory.take(copies * bytesOf(delivery.entry));
    if (delivery.recorded) this.#recorded.set(delivery.entry.seq, delivery);
  }

  #leave({ entry, recorded }: PendingDelivery): void {
    this.#memory.giveBack(copies * bytesOf(entry));
    if (recorded) this.#recorded.delete(entry.seq);
  }

  /** The journal gets a record of it, or another one. */
  #record(delivery: PendingDelivery, state: 'waiting' | 'dead', reason: string, dueAt: number | null): void {
    const { entry, attempts, recorded: exists } = delivery;
    const { seq, header } = entry;
    const { event, accountId } = header;
    this.#records.push({ seq, event, accountId, state, reason, attempts, dueAt, exists });
    delivery.recorded = true;
    if (!exists) this.#progress.close(delivery);
  }
}

/** One that was tried before, or may have been before the daemon's end. */
function resumed({ entry, attempts }: Waiting): PendingDelivery {
  return new PendingDelivery(entry, attempts, true, mayRepeat(attempts));
}

/** A delivery that an operator asked for again is delivered, even if it was delivered before. */
function mayRepeat(attempts: readonly Attempt[]): boolean {
  return restartedAt(attempts) === 0;
}

function keyOf({ entry, attempts }: Delivery): RecordKey {
  return { seq: entry.seq, restartedAt: restartedAt(attempts) };
}

function settledRecordOf(delivery: Delivery): DeliveredRecord {
  const { entry, attempts, code } = delivery;
  return { ...keyOf(delivery), event: entry.header.event, code, attempts: triesIn(attempts) + 1 };
}

const none: readonly never[] = [];
