import type { Entry } from '../journal/entry.ts';
import type { Interest, RouteSession, Settlement, Waiting } from '../journal/route-session.ts';
import { createMatcher, type Decision, interestOf, type Selection } from '../routes/match.ts';
import type { SinkLimits } from '../sinks/declaration.ts';
import { Held } from './held.ts';
import { Progress } from './progress.ts';
import { type Queue, Work } from './queue.ts';
import { horizon, type RetryOptions } from './retry.ts';

export interface SupplyOptions extends Selection {
  readonly name: string;
  readonly flow: SinkLimits;
  readonly retry: RetryOptions;
}

/** Where a route begins. */
export interface Standing {
  readonly cursor: number;
  /** Entries beyond it that the journal lists for the route, or that an operator has dropped. */
  readonly decidedAhead: readonly number[];
}

/** How many entries are read at a time, at most. */
const pageSize = 500;

/**
 * A batch has no more characters than this, unless it is one by itself: a sink may hold several copies of it at a time.
 */
const maxBatchCharacters = 4 * 1024 * 1024;

/** A route that is busy tells its journal this often what was settled, in milliseconds. */
const savedWithin = 20;

const behind = 'waits behind an earlier one of its account';

/**
 * Between a route and its journal: what is due again and what is new come out of it, and what became of them goes back
 * in. It holds no more in memory than the sink can be given soon.
 */
export class Supply {
  readonly #options: SupplyOptions;
  readonly #session: RouteSession;
  readonly #settle: (settlement: Settlement) => void;
  readonly #queue: Queue;
  readonly #match: (entry: Entry) => Decision;
  #conditionFailures = 0;
  readonly #interest: Interest;
  readonly #progress: Progress;
  /** Beyond the cursor: what becomes of them is decided already. */
  readonly #decidedAhead: Set<number>;
  /** Where the last of these stands, as far as that matters for the order. */
  #decidedThrough: number;
  readonly #held = new Held();
  #taken = 0;
  /** When the journal has the next delivery that is due, in Unix milliseconds. */
  #nextDue = 0;
  /** Somebody else may have changed what the journal lists. */
  #changed = false;
  /** Until when a batch may wait to fill, by the monotonic clock. */
  #lingerUntil = 0;
  /** When the journal was told last what was settled, by the monotonic clock. */
  #savedAt = 0;

  /**
   * @param settle tells the session what has changed
   * @param onFailure is told of each entry for which the route's condition couldn't be evaluated
   */
  constructor(
    options: SupplyOptions,
    session: RouteSession,
    settle: (settlement: Settlement) => void,
    { cursor, decidedAhead }: Standing,
    queue: Queue,
    onFailure: (reason: string) => void,
  ) {
    this.#options = options;
    this.#session = session;
    this.#settle = settle;
    this.#queue = queue;
    this.#match = createMatcher(options, (reason) => {
      this.#conditionFailures += 1;
      onFailure(reason);
    });
    this.#interest = interestOf(options);
    this.#progress = new Progress(cursor);
    this.#decidedAhead = new Set(decidedAhead);
    this.#decidedThrough = queue.hasOrder ? decidedAhead.reduce((last, seq) => Math.max(last, seq), cursor) : cursor;
  }

  /** The journal's entries that are settled, or listed, go up to here. */
  get cursor(): number {
    return this.#progress.cursor;
  }

  /** Entries that the route skipped because its condition couldn't be evaluated. */
  get conditionFailures(): number {
    return this.#conditionFailures;
  }

  /** Deliveries that were taken and that nothing has become of yet. */
  get taken(): number {
    return this.#taken;
  }

  /** How many may be taken now. */
  get ready(): number {
    return this.#queue.ready;
  }

  /** True where there is soon nothing left to take, or what was settled should be saved. */
  get wantsAttention(): boolean {
    return this.#queue.ready <= this.#window / 2 || performance.now() - this.#savedAt > savedWithin;
  }

  /** Milliseconds for which a batch may still wait to fill. */
  get lingerFor(): number {
    const { ready } = this.#queue;
    if (ready === 0 || ready >= this.#options.flow.batch.max || this.#held.isFull) return 0;
    return Math.max(0, this.#lingerUntil - performance.now());
  }

  /**
   * Milliseconds until something is due for which there is room, or must be saved; without end where there is neither.
   */
  get dueIn(): number {
    const now = Date.now();
    const dueIn = this.#hasMuchRoom ? Math.max(1, this.#nextDue - now) : Number.POSITIVE_INFINITY;
    return Math.min(dueIn, this.#progress.listIn(now));
  }

  /** The journal may have something due that we don't know of, or have lost something that we hold. */
  lookAgain(): void {
    this.#nextDue = 0;
    this.#changed = true;
  }

  /** Fills up from the journal: what is due again, and what is new. Returns true where there may be more. */
  async fill(): Promise<boolean> {
    if (this.#changed) await this.#findDropped();
    // A crash may have left later ones of an account in the list, and earlier ones that are still to be read.
    if (this.#progress.through < this.#decidedThrough) {
      if (this.#room <= 0) return false;
      await this.#readOn();
      // What is due comes next, even if this was all.
      return true;
    }
    for (const account of this.#queue.hungry()) {
      // What can go out makes room; where nothing can, this account has to.
      if (this.#held.isFull && (this.#queue.ready > 0 || this.#taken > 0)) break;
      await this.#feed(account);
    }
    if (Date.now() >= this.#nextDue) {
      // Were what is new read before there is room for both, it would take all of it, for as long as there is a backlog.
      if (!this.#hasMuchRoom) return false;
      await this.#fetchDue();
    }
    return this.#room > 0 && (await this.#readOn());
  }

  take(max: number): Work[] {
    const works = this.#queue.take(max);
    const fitting = fittingOf(works);
    if (fitting < works.length) this.#queue.putBack(works.splice(fitting), 'first');
    this.#taken += works.length;
    return works;
  }

  /** Takes back what could not be tried, to go out first or last. */
  putBack(works: readonly Work[], place: 'first' | 'last'): void {
    this.#taken -= works.length;
    this.#queue.putBack(works, place);
  }

  /** True where an operator has dropped it while it was on its way: then nothing becomes of it. */
  forget(work: Work): boolean {
    if (!this.#held.isDropped(work)) return false;
    this.#release(work);
    this.#queue.release(work, 'settled');
    return true;
  }

  settle(work: Work): void {
    this.#progress.settle(work);
    this.#release(work);
    this.#queue.release(work, 'settled');
  }

  /** It is a dead letter from now on. */
  bury(work: Work, reason: string): void {
    this.#list(work, 'dead', reason, null);
    this.#release(work);
    this.#queue.release(work, 'settled');
  }

  /** It is tried again at a time, in Unix milliseconds; what its account has waits behind it. */
  postpone(work: Work, reason: string, dueAt: number): void {
    this.#list(work, 'waiting', reason, dueAt);
    this.#release(work);
    this.#nextDue = Math.min(this.#nextDue, dueAt);
    for (const later of this.#queue.release(work, 'waiting')) {
      this.#list(later, 'waiting', behind, null);
      this.#held.remove(later);
    }
  }

  /** Tells the journal what has changed. @param isLast the route ends */
  save(isLast = false): void {
    this.#savedAt = performance.now();
    const settlement = this.#progress.take(Date.now(), isLast);
    if (settlement === null) return;
    this.#settle(settlement);
    this.#held.list(settlement.recorded);
  }

  /**
   * What an operator has dropped goes from the queue; what of it is on its way is forgotten when its try ends. Nothing of
   * that is told to the journal, where a replay may have listed it again.
   */
  async #findDropped(): Promise<void> {
    this.#changed = false;
    this.save();
    const known = [...this.#held.listed, ...this.#queue.postponed()];
    const waiting = await this.#session.waitingAmong(known);
    const gone = new Set(known.filter((seq) => !waiting.has(seq)));
    for (const work of this.#queue.drop(gone)) this.#held.remove(work);
    this.#held.drop(gone);
  }

  async #feed(account: string): Promise<void> {
    this.save();
    const waiting = await this.#session.waitingOf(account, pageSize);
    for (const work of this.#queue.feed(account, waiting.map(dueAgain))) this.#held.add(work);
  }

  async #fetchDue(): Promise<void> {
    const { retry } = this.#options;
    const now = Date.now();
    // What is settled while we look is still listed in what we find.
    this.save();
    // Half of the room, so that what failed doesn't keep out what is new.
    const limit = Math.ceil(this.#room / 2);
    // What is postponed while we look may bring it nearer again.
    this.#nextDue = Number.POSITIVE_INFINITY;
    const { waiting, more } = await this.#session.due(now, horizon(retry, now), limit, this.#held.seqs);
    const next = more ? now : await this.#session.nextDue(now);
    this.#nextDue = Math.min(this.#nextDue, next ?? Number.POSITIVE_INFINITY);
    for (const one of waiting) this.#add(dueAgain(one));
    // One that stands behind another again is not due any more, and the route may sleep for long now.
    this.save();
  }

  async #readOn(): Promise<boolean> {
    const { through } = this.#progress;
    // While more is due, what is new takes no more than its half.
    const limit = Date.now() >= this.#nextDue ? Math.min(pageSize, this.#room) : pageSize;
    const page = await this.#session.read(through, limit, this.#interest);
    for (const entry of page.entries) {
      // Soon after the start there are none left, and each entry comes by here.
      if (this.#decidedAhead.size > 0 && this.#decidedAhead.delete(entry.seq)) continue;
      const decision = this.#match(entry);
      if (decision === 'skip') continue;
      const work = new Work(entry, none, false);
      if (decision === 'deliver') {
        this.#progress.open(work);
        this.#add(work);
      } else this.#list(work, 'quarantined', decision.quarantine, null);
    }
    this.#progress.read(page.through);
    // The last of them may have been removed from the journal.
    if (!page.more) this.#decidedThrough = page.through;
    return page.more;
  }

  /** How many more deliveries may be made ready to go out. */
  get #room(): number {
    return this.#held.isFull ? 0 : this.#window - this.#queue.ready - this.#taken;
  }

  /** Not for every place that gets free: each look for what is due passes over those that are held already. */
  get #hasMuchRoom(): boolean {
    return this.#room >= this.#window / 2;
  }

  get #window(): number {
    const { batch, concurrency } = this.#options.flow;
    return 2 * batch.max * concurrency;
  }

  #add(work: Work): void {
    if (this.#queue.ready === 0) this.#lingerUntil = performance.now() + this.#options.flow.batch.linger;
    if (this.#queue.add(work)) this.#held.add(work);
    else this.#list(work, 'waiting', behind, null);
  }

  #list(work: Work, state: 'waiting' | 'quarantined' | 'dead', reason: string, dueAt: number | null): void {
    this.#progress.list(work, { state, reason, attempts: work.attempts, dueAt });
  }

  #release(work: Work): void {
    this.#taken -= 1;
    this.#held.remove(work);
  }
}

/** How many of these go into one batch. */
function fittingOf(works: readonly Work[]): number {
  let characters = 0;
  const beyond = works.findIndex(({ entry }) => {
    characters += entry.json.length;
    return characters > maxBatchCharacters;
  });
  return beyond === -1 ? works.length : Math.max(1, beyond);
}

const none: readonly never[] = [];

function dueAgain({ entry, attempts }: Waiting): Work {
  return new Work(entry, attempts, true);
}
