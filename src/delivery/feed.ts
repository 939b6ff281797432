import type { RouteSession, WaitingPage } from '../journal/route-session.ts';
import type { Entry, Interest } from '../notification/entry.ts';
import { createMatcher, type Decision, interestOf, type Selection } from '../routes/match.ts';
import type { SinkLimits } from '../sinks/sink.ts';
import { ConditionHealth } from './counts.ts';
import type { DigestOptions } from './digest.ts';
import type { RouteLedger } from './ledger.ts';
import { horizon, type RetryOptions } from './retry.ts';

export interface FeedOptions extends Selection {
  readonly name: string;
  readonly flow: SinkLimits;
  readonly retry: RetryOptions;
  readonly digest?: DigestOptions | undefined;
}

export interface FeedContext {
  readonly session: RouteSession;
  readonly ledger: RouteLedger;
  /** Is told of each entry for which the route's condition couldn't be evaluated. */
  readonly onConditionFailure: (reason: string) => void;
  /** Rings where something could not be saved. */
  readonly ring: () => void;
}

/** How many entries are read at a time, at most. */
const pageSize = 500;

/**
 * How many entries are read, at most, while digests are due: after an outage of hours, one message tells of all, and a
 * backlog of millions doesn't become as many rows first.
 */
const mostGathered = 100_000;

/**
 * How often a busy route tells its journal what was settled, in milliseconds. It is saved within the same time again: a
 * crash repeats what was delivered since.
 */
const savedWithin = 10;

/**
 * Connects a route's ledger to its journal: it reads due and new deliveries, and writes back their results. It keeps no
 * more in memory than the sink will get soon.
 */
export class RouteFeed {
  readonly #options: FeedOptions;
  readonly #session: RouteSession;
  readonly #ring: () => void;
  readonly #ledger: RouteLedger;
  readonly #match: (entry: Entry) => Decision;
  readonly #condition = new ConditionHealth();
  readonly #interest: Interest;
  /** Beyond the cursor: what becomes of them is decided already. */
  readonly #handledBeyondCursor: Set<number>;
  /** Where the last of these stands, as far as that matters for the order. */
  #handledThrough: number;
  /** How often another process may have changed the journal's records, and after how many of these we have looked. */
  #changes = 0;
  #lookedAfter = 0;
  /** Until when a batch may wait to fill, by the monotonic clock. */
  #lingerUntil = 0;
  /** When the journal was told last what was settled, by the monotonic clock. */
  #savedAt = 0;
  /** Entries read since nothing was due. */
  #gathered = 0;
  /** The commit that saves the last settled deliveries, and whether one has failed. */
  #saving: Promise<void> | undefined;
  #isUnsaved = false;

  /** @param handledBeyondCursor as the session says it */
  constructor(options: FeedOptions, context: FeedContext, handledBeyondCursor: readonly number[]) {
    const { session, ledger, onConditionFailure, ring } = context;
    this.#options = options;
    this.#session = session;
    this.#ledger = ledger;
    this.#ring = ring;
    this.#match = createMatcher(options, (failure, { header }) => {
      this.#condition.evaluated(failure, header.receivedAt);
      if (failure !== null) onConditionFailure(failure);
    });
    this.#interest = interestOf(options);
    this.#handledBeyondCursor = new Set(handledBeyondCursor);
    const last = handledBeyondCursor.reduce((later, seq) => Math.max(later, seq), ledger.cursor);
    this.#handledThrough = ledger.hasOrder ? last : ledger.cursor;
  }

  /** How the route's condition fares. */
  get condition(): Pick<ConditionHealth, 'failures' | 'trouble'> {
    return this.#condition;
  }

  /** True if little is left to attempt, if settled deliveries should be saved, or if some may have been dropped. */
  get wantsAttention(): boolean {
    if (this.#changes > this.#lookedAfter) return true;
    return this.#ledger.ready <= this.#window / 2 || performance.now() - this.#savedAt > savedWithin;
  }

  /** Milliseconds for which a batch may still wait to fill. */
  get lingerFor(): number {
    const { ready, isFull } = this.#ledger;
    if (ready === 0 || ready >= this.#options.flow.batch.max || isFull) return 0;
    return Math.max(0, this.#lingerUntil - performance.now());
  }

  /**
   * Milliseconds until something is due for which there is room, or must be saved; without end where there is neither.
   */
  get dueIn(): number {
    const now = Date.now();
    const dueIn = this.#hasMuchRoom ? Math.max(1, this.#ledger.nextDue - now) : Number.POSITIVE_INFINITY;
    return Math.min(dueIn, this.savesIn);
  }

  /** Milliseconds until something must be saved; without end where there is nothing. */
  get savesIn(): number {
    return this.#ledger.changesIn(Date.now());
  }

  /** The journal may have something due that we don't know of, or have lost a record or an entry that we hold. */
  lookAgain(): void {
    this.#ledger.nextDue = 0;
    this.#changes += 1;
  }

  /** Reads from the journal: deliveries that are due again, and new entries. Returns true if there may be more. */
  async fill(): Promise<boolean> {
    const ledger = this.#ledger;
    await this.findDropped();
    // A crash may have left later ones of an account in the list, and earlier ones that are still to be read.
    if (ledger.through < this.#handledThrough) {
      if (this.#room <= 0) return false;
      await this.#readOn();
      // Due deliveries come next, even if this was all.
      return true;
    }
    for (const account of ledger.needsRefill()) {
      // Deliveries that can go out make room; if none can, this account has to.
      if (ledger.isFull && (ledger.ready > 0 || ledger.attempting > 0)) break;
      await this.#refill(account);
    }
    if (this.#mayBeDue(Date.now())) {
      // Were what is new read before there is room for both, it would take all of it, for as long as there is a backlog.
      if (!this.#hasMuchRoom) return false;
      const { digest } = this.#options;
      if (digest !== undefined && this.#gathered < mostGathered && (await this.#readOn())) return true;
      await this.#fetchDue();
      if (digest !== undefined && this.#gathered >= mostGathered) return false;
    } else this.#gathered = 0;
    return this.#room > 0 && (await this.#readOn());
  }

  /** Tells the journal the changes. @param isLast the route ends */
  save(isLast = false): void {
    this.#savedAt = performance.now();
    const settlement = this.#ledger.changes(Date.now(), isLast);
    if (settlement === null) return;
    const saving = this.#session.settle(settlement);
    // Many settlements share a commit, and all of them are saved or none.
    if (saving === this.#saving) return;
    this.#saving = saving;
    saving.catch(() => {
      this.#isUnsaved = true;
      this.#ring();
    });
  }

  /** Retries a failed save first: what goes out before would be repeated after a crash. */
  async saveAgain(): Promise<void> {
    if (this.#isUnsaved) await this.#session.flush();
    this.#isUnsaved = false;
  }

  /** All that is new of a digest is recorded: no more than a page of it is to be in memory, however slow the disk is. */
  async #saveNow(): Promise<void> {
    this.save();
    await this.#session.flush();
  }

  /** Finds deliveries in memory that an operator may have dropped. */
  async findDropped(): Promise<void> {
    const changes = this.#changes;
    if (changes === this.#lookedAfter) return;
    this.#ledger.erase(await this.#session.erasedAmong(this.#ledger.unrecorded));
    this.save();
    const { droppable } = this.#ledger;
    this.#ledger.drop(droppable, await this.#session.waitingAmong(droppable));
    this.#lookedAfter = changes;
  }

  async #refill(account: string): Promise<void> {
    this.save();
    this.#ledger.refill(account, await this.#session.waitingOf(account, pageSize, this.#ledger.spare));
  }

  async #fetchDue(): Promise<void> {
    const ledger = this.#ledger;
    const now = Date.now();
    // Deliveries settled during the search still have a record.
    this.save();
    // What has to be tried again while we look may bring it nearer again.
    ledger.nextDue = Number.POSITIVE_INFINITY;
    const { waiting, more } = await this.#dueAt(now);
    const next = more ? now : await this.#session.nextDue(now);
    ledger.nextDue = Math.min(ledger.nextDue, next ?? Number.POSITIVE_INFINITY);
    for (const one of waiting) {
      this.#linger();
      ledger.resume(one);
    }
    // One that stands behind another again is not due any more, and the route may sleep for long now.
    this.save();
  }

  /** Of the digests of accounts, that which is due first. */
  async #dueAt(now: number): Promise<WaitingPage> {
    const { digest, flow } = this.#options;
    const { recorded: held, spare: bytes } = this.#ledger;
    const horizon = this.#horizon(now);
    // Half of the room, so that failed deliveries leave room for new ones; new ones of a digest take none.
    const limit = digest === undefined ? Math.ceil(this.#room / 2) : flow.batch.max;
    return this.#session.due({ now, horizon, limit, held, bytes, ofOneAccount: digest?.per === 'account' });
  }

  async #readOn(): Promise<boolean> {
    const ledger = this.#ledger;
    // While more is due, what is new takes no more than its half.
    const limit = Date.now() >= ledger.nextDue ? Math.min(pageSize, this.#room) : pageSize;
    const page = await this.#session.read(ledger.through, limit, this.#interest, ledger.spare);
    for (const entry of page.entries) {
      // Soon after the start there are none left, and each entry comes by here.
      if (this.#handledBeyondCursor.size > 0 && this.#handledBeyondCursor.delete(entry.seq)) continue;
      const decision = this.#match(entry);
      if (decision === 'skip') continue;
      if (decision === 'deliver') {
        this.#linger();
        ledger.open(entry, entry.seq <= this.#session.attemptedThrough);
      } else ledger.quarantine(entry, decision.quarantine);
    }
    ledger.read(page.through);
    this.#gathered += page.entries.length;
    // The last of them may have been removed from the journal.
    if (!page.more) this.#handledThrough = page.through;
    else if (this.#options.digest !== undefined) await this.#saveNow();
    return page.more;
  }

  /** Also what is due later than can be: the clock has been set back since it was planned. */
  #mayBeDue(now: number): boolean {
    const { nextDue } = this.#ledger;
    return now >= nextDue || (Number.isFinite(nextDue) && nextDue > this.#horizon(now));
  }

  #horizon(now: number): number {
    const { retry, digest } = this.#options;
    return horizon(retry, digest?.every ?? 0, now);
  }

  /** New entries may wait for others, if no delivery has waited already. */
  #linger(): void {
    if (this.#ledger.ready === 0) this.#lingerUntil = performance.now() + this.#options.flow.batch.linger;
  }

  /** How many more deliveries may be made ready to go out. */
  get #room(): number {
    const { isFull, ready, attempting } = this.#ledger;
    return isFull ? 0 : this.#window - ready - attempting;
  }

  /** Not for every place that gets free: each look for what is due passes over those that are in memory already. */
  get #hasMuchRoom(): boolean {
    return this.#room >= this.#window / 2;
  }

  get #window(): number {
    const { batch, concurrency } = this.#options.flow;
    return 2 * batch.max * concurrency;
  }
}
