import type { Logger } from 'pino';
import { unlessAborted } from '../common/async/abort.ts';
import { Backoff } from '../common/async/backoff.ts';
import { Slots } from '../common/async/slots.ts';
import { Wakeup } from '../common/async/wakeup.ts';
import { reasonOf } from '../common/errors.ts';
import { truncateUtf8 } from '../common/text/format.ts';
import type { JournalEvents } from '../journal/journal.ts';
import type { Attempt, Order, RouteSession, Settlement } from '../journal/route-session.ts';
import { createReshape, type Reshape, type ShapeOptions } from '../routes/reshape.ts';
import { shape } from '../routes/shape.ts';
import { type Outcome, type Sink, SinkUnavailable } from '../sinks/sink.ts';
import { Outlet } from './attempt.ts';
import { Circuit, type CircuitOptions, type CircuitState, type Trouble } from './circuit.ts';
import { RouteCounts } from './counts.ts';
import { Lanes } from './lanes.ts';
import { RoutePulse } from './pulse.ts';
import { Fifo, type Queue, type Work } from './queue.ts';
import { nextTry, triesIn } from './retry.ts';
import { type Standing, Supply, type SupplyOptions } from './supply.ts';
import { Tally } from './tally.ts';

export interface RouteOptions extends SupplyOptions {
  readonly order: Order;
  /** Dotted paths of the secrets that it gets in clear. */
  readonly reveal: readonly string[];
  readonly shape?: ShapeOptions | undefined;
  readonly circuit: CircuitOptions;
  /** Milliseconds that one attempt may take. */
  readonly timeout: number;
}

export interface RouteContext {
  readonly session: RouteSession;
  readonly events: JournalEvents;
  readonly openSink: () => Promise<Sink>;
  readonly log: Logger;
}

/** What a route is doing just now. */
export interface RouteActivity {
  readonly cursor: number;
  readonly inFlight: number;
  /** Entries that it skipped because its condition couldn't be evaluated, since it was started. */
  readonly conditionFailures: number;
  /** Why it can't read or write its journal; undefined where it can. */
  readonly interrupted: string | undefined;
  readonly circuit: CircuitState;
  /** Why the circuit isn't closed, and the milliseconds until its next probe. */
  readonly trouble: Trouble | undefined;
  readonly probeIn: number;
}

/** Between tries of a journal that can't be read, in milliseconds. */
const firstPause = 200;
const longestPause = 10_000;

/**
 * Starts a route: from its cursor on, each notification that it wants goes to its sink, which may open later. The
 * session is the caller's: it stays open for as long as the route runs.
 */
export async function startRoute(options: RouteOptions, context: RouteContext): Promise<Route> {
  const { session } = context;
  const standing = { cursor: session.cursor, decidedAhead: await session.handledBeyondCursor() };
  return new Route(options, context, standing, await queueOf(options.order, session));
}

async function queueOf(order: Order, session: RouteSession): Promise<Queue> {
  if (order === 'account') return new Lanes(await session.wakeFirst());
  await session.wakeAll();
  return new Fifo();
}

/**
 * A route's loop: record what became of deliveries, fill up from the journal, hand over as much as the sink may have at
 * a time; then sleep until there is something new to do.
 */
export class Route {
  readonly #options: RouteOptions;
  readonly #log: Logger;
  readonly #session: RouteSession;
  readonly #supply: Supply;
  readonly #circuit: Circuit;
  readonly #outlet: Outlet;
  readonly #deadLetters: Tally;
  readonly #conditionFailures: Tally;
  readonly #reshape: Reshape | undefined;
  readonly #wakeup = new Wakeup();
  readonly counts = new RouteCounts();
  readonly #pulse: RoutePulse;
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #running: Promise<void>;
  readonly #attempts = new Slots<Promise<void>>();
  #interrupted: string | undefined;
  /** The commit that saves what was settled last; and whether one has failed. */
  #saving: Promise<void> | undefined;
  #isUnsaved = false;

  constructor(
    options: RouteOptions,
    { session, events, openSink, log }: RouteContext,
    standing: Standing,
    queue: Queue,
  ) {
    this.#options = options;
    this.#log = log;
    this.#conditionFailures = new Tally((count, reason) =>
      log.warn({ count, reason }, 'the condition could not be evaluated; these notifications are skipped'),
    );
    this.#session = session;
    const settle = (settlement: Settlement) => this.#settle(settlement);
    const onFailure = (reason: string) => this.#conditionFailures.count(reason);
    this.#supply = new Supply(options, session, settle, standing, queue, onFailure);
    this.#reshape = createReshape(options.shape);
    const { retry, circuit } = options;
    // It opens before one notification by itself could be at the end of its tries: an outage makes no dead letter.
    const failures = Math.min(circuit.failures, Math.max(1, retry.schedule.length));
    this.#circuit = new Circuit({ ...circuit, failures });
    this.#pulse = new RoutePulse(options.timeout);
    this.#outlet = new Outlet(openSink, options.timeout, this.#pulse, log);
    this.#deadLetters = new Tally((count, reason) => log.warn({ count, reason }, 'notifications became dead letters'));
    this.#unsubscribe = events.subscribe((change) => {
      if (change === 'records') this.#supply.lookAgain();
      this.#wakeup.ring();
    });
    this.#running = this.#run();
  }

  get activity(): RouteActivity {
    const { state, trouble, probeIn } = this.#circuit;
    const { cursor, taken: inFlight, conditionFailures } = this.#supply;
    return { cursor, inFlight, conditionFailures, interrupted: this.#interrupted, circuit: state, trouble, probeIn };
  }

  /** True where its loop or an attempt hasn't moved for far longer than it may take. */
  get stuck(): boolean {
    return !this.#stopping.signal.aborted && this.#pulse.stuck;
  }

  /**
   * An operator wants what is due to be tried now: a sink that is away is probed at once. Returns true where it was away.
   */
  tryNow(): boolean {
    if (!this.#circuit.hasten()) return false;
    this.#supply.lookAgain();
    this.#wakeup.ring();
    return true;
  }

  /**
   * Finishes what is on its way, then closes the sink. What is not delivered when `deadline` aborts stays in the
   * journal for the next start.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    const abort = () => this.#aborting.abort(deadline.reason);
    if (deadline.aborted) abort();
    deadline.addEventListener('abort', abort, { once: true });
    this.#stopping.abort();
    this.#unsubscribe();
    this.#wakeup.ring();
    await this.#running;
    await Promise.all(this.#attempts);
    this.#supply.save(true);
    this.#deadLetters.close();
    this.#conditionFailures.close();
    deadline.removeEventListener('abort', abort);
    await unlessAborted(this.#outlet.close(), deadline).catch((error) =>
      this.#log.warn({ reason: reasonOf(error) }, 'closing the sink failed'),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(firstPause, longestPause);
    while (!signal.aborted) {
      this.#pulse.awake();
      try {
        // What goes out before that is saved would be repeated after a crash.
        if (this.#isUnsaved) await this.#session.flush();
        this.#isUnsaved = false;
        this.#supply.save();
        await this.#fill();
        const lingering = this.#dispatch();
        // Again, for what it has just read and doesn't want: no attempt will end, and make another round.
        this.#supply.save();
        backoff.reset();
        this.#interrupted = undefined;
        const idleFor = this.#idleFor(lingering);
        this.#pulse.asleep(idleFor);
        await this.#wakeup.heard(idleFor);
      } catch (error) {
        // A disk that is full is one line, not one each try.
        const reason = reasonOf(error);
        if (reason !== this.#interrupted) this.#log.error({ err: error }, 'route interrupted; it will try again');
        this.#interrupted = reason;
        this.#supply.lookAgain();
        await backoff.pause(signal).catch(() => undefined);
      }
    }
  }

  /** Many settlements share a commit, and all of them are saved or none: the loop is told of each that fails. */
  #settle(settlement: Settlement): void {
    const saving = this.#session.settle(settlement);
    if (saving === this.#saving) return;
    this.#saving = saving;
    saving.catch(() => {
      this.#isUnsaved = true;
      this.#wakeup.ring();
    });
  }

  async #fill(): Promise<void> {
    this.#circuit.tick();
    if (this.#circuit.state !== 'open' && (await this.#supply.fill())) this.#wakeup.ring();
  }

  /**
   * Hands over as many batches as the sink may have at a time; while the circuit isn't closed, at most a probe. Returns
   * the milliseconds for which it leaves what is ready to fill a batch; without end where it leaves nothing for that.
   */
  #dispatch(): number {
    const { batch, concurrency } = this.#options.flow;
    for (;;) {
      const isProbe = this.#circuit.state === 'probing';
      const places = isProbe ? 1 : this.#circuit.state === 'closed' ? concurrency : 0;
      if (this.#attempts.size >= places || this.#supply.ready === 0) return Number.POSITIVE_INFINITY;
      const { lingerFor } = this.#supply;
      if (!isProbe && lingerFor > 0) return lingerFor;
      this.#start(this.#supply.take(isProbe ? Math.min(this.#circuit.probeSize, batch.max) : batch.max));
    }
  }

  #start(works: readonly Work[]): void {
    const attempt = this.#attempt(works).then((delivered) => {
      leave();
      // While all goes well and there is enough to fill the next batch, it follows at once, and the loop sleeps.
      if (delivered && !this.#stopping.signal.aborted && !this.#supply.wantsAttention) this.#dispatch();
      else this.#wakeup.ring();
    });
    const leave = this.#attempts.add(attempt);
  }

  /** Resolves when something has become of them: true where all were delivered. */
  async #attempt(works: readonly Work[]): Promise<boolean> {
    const at = Date.now();
    const started = performance.now();
    try {
      const deliveries = works.map(({ entry }) => shape(entry, this.#options.reveal, this.#reshape));
      const outcomes = await this.#outlet.deliver(deliveries, this.#aborting.signal);
      const duration = Math.round(performance.now() - started);
      this.counts.attempts.add(duration / 1_000);
      this.#judge(outcomes);
      this.#conclude(works, outcomes, at, duration);
      return outcomes.every(({ status }) => status === 'delivered');
    } catch (error) {
      // One that may be at fault itself must not be tried again and again, while nobody tries the others.
      const isSuspect = works.length === 1 && error instanceof SinkUnavailable && error.unsure;
      const left = works.filter((work) => !this.#supply.forget(work));
      this.#supply.putBack(left, isSuspect ? 'last' : 'first');
      if (!this.#aborting.signal.aborted) this.#unavailable(error);
      return false;
    }
  }

  /** What an attempt says about the sink: it is away where all of it failed for no reason of its own. */
  #judge(outcomes: readonly Outcome[]): void {
    if (!outcomes.every(isAway)) {
      this.#answered(outcomes.length);
      return;
    }
    const notBefore = outcomes.reduce((latest, outcome) => Math.max(latest, outcome.notBefore ?? 0), 0);
    const asked = Math.min(notBefore - Date.now(), this.#options.retry.maxWait);
    if (this.#circuit.failed(outcomes[0] ?? { reason: '' }, asked)) this.#opened();
  }

  #conclude(works: readonly Work[], outcomes: readonly Outcome[], at: number, duration: number): void {
    const untried: Work[] = [];
    for (const [index, work] of works.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) break;
      this.counts.concluded(work.entry, outcome, at + duration);
      if (outcome.status === 'delivered') this.#supply.settle(work);
      else if (this.#supply.forget(work)) continue;
      // While the sink is away, nothing is said about this one: its tries are not used up.
      else if (this.#circuit.state === 'open') untried.push(work);
      else this.#failed(work, outcome, attemptOf(outcome, at, duration));
    }
    // Last, so that probes try others before: one of these may be the only one that can't be answered.
    if (untried.length > 0) this.#supply.putBack(untried, 'last');
  }

  #failed(work: Work, outcome: Failure, attempt: Attempt): void {
    work.attempts = [...work.attempts, attempt];
    if (outcome.status === 'dead') {
      this.#bury(work, outcome.reason);
      return;
    }
    const tries = triesIn(work.attempts);
    const dueAt = nextTry(tries, outcome.notBefore, this.#options.retry, Date.now());
    if (dueAt === null) this.#bury(work, `gave up after ${tries} tries: ${outcome.reason}`);
    else this.#supply.postpone(work, shortened(outcome.reason), dueAt);
  }

  #bury(work: Work, reason: string): void {
    const story = shortened(reason);
    this.#supply.bury(work, story);
    this.counts.dead += 1;
    this.#deadLetters.count(story);
  }

  #unavailable(error: unknown): void {
    this.counts.unavailable += 1;
    const probeAfter = error instanceof SinkUnavailable ? error.probeAfter : undefined;
    if (!(error instanceof SinkUnavailable)) this.#log.error({ err: error }, 'an attempt failed unexpectedly');
    const code = error instanceof SinkUnavailable ? error.code : undefined;
    if (this.#circuit.open({ reason: reasonOf(error), code }, probeAfter)) this.#opened();
  }

  #opened(): void {
    this.counts.opened += 1;
    const { trouble, probeIn } = this.#circuit;
    const probeInSeconds = Math.ceil(probeIn / 1_000);
    this.#log.warn(
      { reason: trouble?.reason, probeInSeconds },
      'sink unavailable; its notifications wait in the journal',
    );
  }

  #answered(tried: number): void {
    const seconds = Math.round(this.#circuit.openFor / 1_000);
    const isMost = tried >= this.#options.flow.batch.max || this.#supply.ready === 0;
    if (this.#circuit.answered(tried, isMost)) this.#log.info({ seconds }, 'sink available again');
  }

  /**
   * Milliseconds until there is something to do that no ring will tell of.
   * @param lingering as `#dispatch` has told it: by now it may be over, and must be heard of all the same
   */
  #idleFor(lingering: number): number {
    return this.#circuit.state === 'open' ? this.#circuit.probeIn : Math.min(lingering, this.#supply.dueIn);
  }
}

type Failure = Exclude<Outcome, { status: 'delivered' }>;

function isAway(outcome: Outcome): outcome is Extract<Outcome, { status: 'retry' }> {
  return outcome.status === 'retry' && outcome.away === true;
}

function attemptOf(outcome: Failure, at: number, duration: number): Attempt {
  const { status, reason, code } = outcome;
  return { at, duration, outcome: status, ...(code !== undefined && { code }), reason: shortened(reason) };
}

/** A reason may quote what the other side answered: 1 KiB of it is enough. */
function shortened(reason: string): string {
  return Buffer.byteLength(reason) <= 1_024 ? reason : `${truncateUtf8(reason, 1_021)}…`;
}
