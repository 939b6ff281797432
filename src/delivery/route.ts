import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';
import type { Entry, Interest, Journal, Order, Start, Waiting } from '../journal/journal.ts';
import { createMatcher, type Decision, interestOf, type Selection } from '../routes/match.ts';
import { shape } from '../routes/shape.ts';
import { type Flow, type Outcome, type Sink, SinkUnavailable } from '../sinks/sink.ts';
import { Backoff, Bell } from '../waiting.ts';
import { Outlet } from './attempt.ts';
import { Circuit, type CircuitOptions, type CircuitState } from './circuit.ts';
import { Lanes } from './lanes.ts';
import { Progress } from './progress.ts';
import { Fifo, type Queue, type Work } from './queue.ts';
import { horizon, nextTry, type RetryOptions, triesIn } from './retry.ts';
import { Tally } from './tally.ts';

export interface RouteOptions extends Selection {
  readonly name: string;
  /** Where it begins if the journal doesn't know it yet. */
  readonly start: Start;
  readonly order: Order;
  /** Dotted paths of the secrets that it gets in clear. */
  readonly reveal: readonly string[];
  readonly retry: RetryOptions;
  readonly circuit: CircuitOptions;
  /** Milliseconds that one attempt may take. */
  readonly timeout: number;
  readonly flow: Flow;
}

export interface RouteContext {
  readonly journal: Journal;
  readonly openSink: () => Promise<Sink>;
  readonly log: Logger;
}

/** What a route is doing just now. */
export interface RouteActivity {
  readonly cursor: number;
  readonly inFlight: number;
  readonly circuit: CircuitState;
  /** Why the circuit isn't closed, and the milliseconds until its next probe. */
  readonly reason: string | undefined;
  readonly probeIn: number;
}

/** How many entries are read at a time. */
const pageSize = 500;

/** Deliveries in memory may have this many characters together. */
const maxCharacters = 32 * 1024 * 1024;

/** Between tries of a journal that can't be read, in milliseconds. */
const firstPause = 200;
const longestPause = 10_000;

/**
 * Starts a route: from its cursor on, each notification that it wants goes to its sink. Resolves once the route has its
 * place in the journal, so that what intake takes from then on can't be missed; its sink may open later.
 */
export async function startRoute(options: RouteOptions, context: RouteContext): Promise<Route> {
  const { journal } = context;
  const { name, start, order } = options;
  const cursor = await journal.openRoute(name, start, order);
  const queue = order === 'account' ? new Lanes(await journal.waitingAccounts(name)) : new Fifo();
  return new Route(options, context, cursor, queue);
}

/**
 * A route's loop: record what became of deliveries, fill the queue from the journal, hand over as much as the sink may have
 * at a time; then sleep until there is something new to do.
 */
export class Route {
  readonly #options: RouteOptions;
  readonly #context: RouteContext;
  readonly #match: (entry: Entry) => Decision;
  readonly #interest: Interest;
  readonly #queue: Queue;
  readonly #progress: Progress;
  readonly #circuit: Circuit;
  readonly #outlet: Outlet;
  readonly #deadLetters: Tally;
  readonly #bell = new Bell();
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #running: Promise<void>;
  /** Deliveries in memory: in the queue or on their way. */
  readonly #held = new Map<number, Work>();
  #heldCharacters = 0;
  readonly #attempts = new Set<Promise<void>>();
  #inFlight = 0;
  /** When the journal has the next delivery that is due, in Unix milliseconds. */
  #nextDue = 0;
  /** Until when a batch may wait to fill, by the monotonic clock. */
  #lingerUntil = 0;

  constructor(options: RouteOptions, context: RouteContext, cursor: number, queue: Queue) {
    const { journal, openSink, log } = context;
    this.#options = options;
    this.#context = context;
    this.#queue = queue;
    this.#match = createMatcher(options);
    this.#interest = interestOf(options);
    this.#progress = new Progress(cursor);
    this.#circuit = new Circuit(options.circuit);
    this.#outlet = new Outlet(openSink, options.timeout, log);
    this.#deadLetters = new Tally((count, reason) => log.warn({ count, reason }, 'notifications became dead letters'));
    this.#unsubscribe = journal.subscribe((change) => {
      if (change === 'listed') this.#nextDue = 0;
      this.#bell.ring();
    });
    this.#running = this.#run();
  }

  get activity(): RouteActivity {
    const { state, reason, probeIn } = this.#circuit;
    return { cursor: this.#progress.cursor, inFlight: this.#inFlight, circuit: state, reason, probeIn };
  }

  /**
   * Finishes what is on its way, then closes the sink. What is not delivered when `deadline` aborts stays in the journal
   * for the next start.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    const abort = () => this.#aborting.abort(deadline.reason);
    if (deadline.aborted) abort();
    deadline.addEventListener('abort', abort, { once: true });
    this.#stopping.abort();
    this.#unsubscribe();
    this.#bell.ring();
    await this.#running;
    await Promise.all(this.#attempts);
    this.#settle();
    this.#deadLetters.close();
    deadline.removeEventListener('abort', abort);
    await this.#outlet
      .close()
      .catch((error) => this.#context.log.warn({ reason: reasonOf(error) }, 'closing the sink failed'));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(firstPause, longestPause);
    let trouble: string | undefined;
    while (!signal.aborted) {
      try {
        this.#settle();
        await this.#fill();
        this.#dispatch();
        backoff.reset();
        trouble = undefined;
        await this.#bell.heard(this.#idleFor());
      } catch (error) {
        // A disk that is full is one line, not one each try.
        if (reasonOf(error) !== trouble)
          this.#context.log.error({ err: error }, 'route interrupted; it will try again');
        trouble = reasonOf(error);
        this.#nextDue = 0;
        await backoff.pause(signal).catch(() => undefined);
      }
    }
  }

  /** Takes from the journal what may go out soon: what is due again, and what is new. */
  async #fill(): Promise<void> {
    this.#circuit.tick();
    if (this.#circuit.state === 'open') return;
    for (const account of this.#queue.hungry()) await this.#feed(account);
    if (this.#isDueTime()) await this.#fetchDue();
    if (this.#room > 0) await this.#readOn();
  }

  async #feed(account: string): Promise<void> {
    this.#settle();
    const waiting = await this.#context.journal.waitingOf(this.#options.name, account, pageSize);
    const works = waiting.map(dueAgain);
    for (const work of works) this.#hold(work);
    this.#queue.feed(account, works);
  }

  /** How many more deliveries may be made ready to go out. */
  get #room(): number {
    return this.#heldCharacters > maxCharacters ? 0 : this.#window - this.#queue.ready - this.#inFlight;
  }

  get #window(): number {
    const { batch, concurrency } = this.#options.flow;
    return 2 * batch.max * concurrency;
  }

  /** Not for every place that gets free: each look passes over those that are held already. */
  #isDueTime(): boolean {
    return Date.now() >= this.#nextDue && this.#room >= this.#window / 2;
  }

  async #fetchDue(): Promise<void> {
    const { journal } = this.#context;
    const { name, retry } = this.#options;
    const now = Date.now();
    // What is settled while we look is still listed in what we find.
    this.#settle();
    const held = new Set(this.#held.keys());
    // Half of the room, so that what failed doesn't keep out what is new.
    const limit = Math.ceil(this.#room / 2) + held.size;
    // What is postponed while we look may bring it nearer again.
    this.#nextDue = Number.POSITIVE_INFINITY;
    const due = await journal.due(name, now, horizon(retry, now), limit);
    const next = due.length === limit ? now : await journal.nextDue(name, now);
    this.#nextDue = Math.min(this.#nextDue, next ?? Number.POSITIVE_INFINITY);
    for (const waiting of due) if (!held.has(waiting.entry.seq)) this.#add(dueAgain(waiting));
  }

  async #readOn(): Promise<void> {
    const { through } = this.#progress;
    const page = await this.#context.journal.read(through, pageSize, this.#interest);
    for (const entry of page.entries) {
      const decision = this.#match(entry);
      if (decision === 'skip') continue;
      const work = { entry, attempts: [], listed: false };
      if (decision === 'deliver') {
        this.#progress.open(work);
        this.#add(work);
      } else this.#list(work, 'quarantined', decision.quarantine, null);
    }
    this.#progress.read(page.through);
    if (page.through > through) this.#bell.ring();
  }

  #add(work: Work): void {
    if (this.#queue.ready === 0) this.#lingerUntil = performance.now() + this.#options.flow.batch.linger;
    if (this.#queue.add(work)) this.#hold(work);
    else this.#list(work, 'waiting', behind, null);
  }

  #hold(work: Work): void {
    this.#held.set(work.entry.seq, work);
    this.#heldCharacters += work.entry.json.length;
  }

  #letGo(work: Work): void {
    if (this.#held.delete(work.entry.seq)) this.#heldCharacters -= work.entry.json.length;
  }

  #list(work: Work, state: 'waiting' | 'quarantined' | 'dead', reason: string, dueAt: number | null): void {
    this.#progress.list(work, { state, reason, attempts: work.attempts, dueAt });
    this.#letGo(work);
  }

  /** Hands over as many batches as the sink may have at a time; while the circuit isn't closed, at most a probe. */
  #dispatch(): void {
    const { batch, concurrency } = this.#options.flow;
    for (;;) {
      const isProbe = this.#circuit.state === 'probing';
      const places = isProbe ? 1 : this.#circuit.state === 'closed' ? concurrency : 0;
      if (this.#attempts.size >= places || this.#queue.ready === 0 || this.#lingerFor > 0) return;
      const works = this.#queue.take(isProbe ? 1 : batch.max);
      if (works.length === 0) return;
      this.#start(works);
    }
  }

  /** Milliseconds for which a batch may still wait to fill. */
  get #lingerFor(): number {
    const { batch } = this.#options.flow;
    if (this.#queue.ready === 0 || this.#queue.ready >= batch.max || this.#circuit.state !== 'closed') return 0;
    return Math.max(0, this.#lingerUntil - performance.now());
  }

  #start(works: Work[]): void {
    this.#inFlight += works.length;
    const attempt = this.#attempt(works).finally(() => {
      this.#inFlight -= works.length;
      this.#attempts.delete(attempt);
      this.#bell.ring();
    });
    this.#attempts.add(attempt);
  }

  async #attempt(works: readonly Work[]): Promise<void> {
    const at = Date.now();
    const started = performance.now();
    try {
      const deliveries = works.map(({ entry }) => shape(entry, this.#options.reveal));
      const outcomes = await this.#outlet.deliver(deliveries, this.#aborting.signal);
      const duration = Math.round(performance.now() - started);
      for (const [index, work] of works.entries()) {
        const outcome = outcomes[index];
        if (outcome !== undefined) this.#conclude(work, outcome, at, duration);
      }
    } catch (error) {
      this.#queue.putBack(works);
      if (!this.#aborting.signal.aborted) this.#unavailable(error);
    }
  }

  #conclude(work: Work, outcome: Outcome, at: number, duration: number): void {
    if (outcome.status === 'retry' && outcome.away === true) {
      if (this.#circuit.failed(outcome.reason)) this.#opened();
    } else this.#answered();
    if (outcome.status === 'delivered') {
      this.#progress.settle(work);
      this.#letGo(work);
      this.#queue.release(work, 'settled');
      return;
    }
    // While the sink is away, nothing is said about this one: its tries are not used up.
    const isTry = this.#circuit.state === 'closed';
    const tried = isTry ? { ...work, attempts: [...work.attempts, attemptOf(outcome, at, duration)] } : work;
    const dueAt = outcome.status === 'dead' ? null : this.#nextTry(tried, outcome.notBefore, isTry);
    if (dueAt === null) this.#bury(tried, outcome.reason, outcome.status);
    else this.#postpone(tried, outcome.reason, dueAt);
  }

  #nextTry(work: Work, notBefore: number | undefined, isTry: boolean): number | null {
    const { retry, circuit } = this.#options;
    // Long enough for the probes to try others first: this one may be the only one that can't be answered.
    return isTry ? nextTry(triesIn(work.attempts), notBefore, retry, Date.now()) : Date.now() + 2 * circuit.maxPause;
  }

  #bury(work: Work, reason: string, status: 'retry' | 'dead'): void {
    const story = status === 'dead' ? reason : `gave up after ${triesIn(work.attempts)} tries: ${reason}`;
    this.#list(work, 'dead', cut(story), null);
    this.#queue.release(work, 'settled');
    this.#deadLetters.count(story);
  }

  #postpone(work: Work, reason: string, dueAt: number): void {
    this.#list(work, 'waiting', cut(reason), dueAt);
    this.#nextDue = Math.min(this.#nextDue, dueAt);
    for (const later of this.#queue.release(work, 'waiting')) this.#list(later, 'waiting', behind, null);
  }

  #unavailable(error: unknown): void {
    const probeAfter = error instanceof SinkUnavailable ? error.probeAfter : undefined;
    if (!(error instanceof SinkUnavailable)) this.#context.log.error({ err: error }, 'an attempt failed unexpectedly');
    if (this.#circuit.open(reasonOf(error), probeAfter)) this.#opened();
  }

  #opened(): void {
    const { reason, probeIn } = this.#circuit;
    const probe = Math.ceil(probeIn / 1_000);
    this.#context.log.warn(
      { reason, probeInSeconds: probe },
      'sink unavailable; its notifications wait in the journal',
    );
  }

  #answered(): void {
    const seconds = Math.round(this.#circuit.openFor / 1_000);
    if (this.#circuit.answered()) this.#context.log.info({ seconds }, 'sink available again');
  }

  #settle(): void {
    const settlement = this.#progress.take(Date.now());
    if (settlement !== null) this.#context.journal.settle(this.#options.name, settlement);
  }

  /** Milliseconds until there is something to do that no ring will tell of. */
  #idleFor(): number {
    if (this.#circuit.state === 'open') return this.#circuit.probeIn;
    if (this.#lingerFor > 0) return this.#lingerFor;
    return this.#room < this.#window / 2 ? Number.POSITIVE_INFINITY : Math.max(1, this.#nextDue - Date.now());
  }
}

const behind = 'waits behind an earlier one of its account';

function dueAgain({ entry, attempts }: Waiting): Work {
  return { entry, attempts, listed: true };
}

function attemptOf(outcome: Exclude<Outcome, { status: 'delivered' }>, at: number, duration: number) {
  const { status, reason, code } = outcome;
  return { at, duration, outcome: status, ...(code !== undefined && { code }), reason: cut(reason) };
}

/** A reason may quote what the other side answered: 1 KiB of it is enough. */
function cut(reason: string): string {
  return Buffer.byteLength(reason) <= 1_024 ? reason : `${Buffer.from(reason).subarray(0, 1_021).toString()}…`;
}
