import type { Logger } from 'pino';
import { unlessAborted } from '../common/async/abort.ts';
import { Backoff, Wakeup } from '../common/async/loop.ts';
import { reasonOf } from '../common/errors.ts';
import type { MemoryBudget, MemoryShare } from '../common/memory-budget.ts';
import { messages } from '../common/messages.ts';
import { ThrottledReporter } from '../common/throttled-reporter.ts';
import type { JournalEvents } from '../journal/journal.ts';
import type { Pause } from '../journal/reader.ts';
import type { Order, RouteSession } from '../journal/route-session.ts';
import type { Sink } from '../sinks/sink.ts';
import type { CircuitState, Trouble } from './circuit.ts';
import type { ConditionTrouble, RouteCounts } from './counts.ts';
import { DigestQueue, digestFlow, digesting } from './digest.ts';
import { Dispatcher, type DispatchOptions } from './dispatcher.ts';
import { type FeedOptions, RouteFeed } from './feed.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { RouteLedger } from './ledger.ts';
import { RouteLiveness } from './liveness.ts';
import { Fifo, type Queue } from './queue.ts';
import { SinkClient } from './sink-client.ts';

export interface RouteOptions extends FeedOptions, DispatchOptions {
  readonly order: Order;
  /** Milliseconds that one attempt may take. */
  readonly timeout: number;
}

export interface RouteContext {
  readonly session: RouteSession;
  readonly events: JournalEvents;
  /** Bounds the notifications that it holds. */
  readonly memory: MemoryBudget;
  readonly openSink: () => Promise<Sink>;
  readonly log: Logger;
}

/** What a route is doing just now. */
export interface RouteActivity {
  readonly cursor: number;
  readonly inFlight: number;
  /** Entries that it skipped because its condition couldn't be evaluated, since it was started. */
  readonly conditionFailures: number;
  readonly conditionTrouble: ConditionTrouble | null;
  readonly paused: Pause | null;
  /** Why it can't read or write its journal; undefined where it can. */
  readonly interrupted: string | undefined;
  readonly circuit: CircuitState;
  /** Since when it is closed, or isn't, in Unix milliseconds. */
  readonly circuitSince: number;
  /** How many accounts the sink refuses again and again, while it takes what belongs to others. */
  readonly refusedAccounts: number;
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
  const { session, openSink } = context;
  const handledBeyondCursor = await session.handledBeyondCursor();
  const queue = await queueOf(options, session);
  if (options.digest === undefined) return new Route(options, context, handledBeyondCursor, queue);
  const flow = digestFlow(options.flow);
  const digests = { ...context, openSink: async () => digesting(await openSink()) };
  return new Route({ ...options, flow }, digests, handledBeyondCursor, queue);
}

async function queueOf({ order, digest }: RouteOptions, session: RouteSession): Promise<Queue> {
  if (order === 'account') return new KeyedQueue(await session.wakeFirst());
  await session.wakeAll();
  return digest === undefined ? new Fifo() : new DigestQueue(digest);
}

/**
 * A route's loop: record what became of deliveries, fill up from the journal, hand over as much as the sink may have at
 * a time; then sleep until there is something new to do.
 */
export class Route {
  readonly #log: Logger;
  readonly #memory: MemoryShare;
  readonly #ledger: RouteLedger;
  readonly #feed: RouteFeed;
  readonly #dispatcher: Dispatcher;
  readonly #sinkClient: SinkClient;
  readonly #conditionFailures: ThrottledReporter;
  readonly #wakeup = new Wakeup();
  readonly #liveness: RouteLiveness;
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #running: Promise<void>;
  readonly #pauseNow: () => Pause | null;
  /** As the loop has told it last. */
  #pause: Pause | null = null;
  #interrupted: string | undefined;

  constructor(
    options: RouteOptions,
    { session, events, memory, openSink, log }: RouteContext,
    handledBeyondCursor: readonly number[],
    queue: Queue,
  ) {
    this.#log = log;
    this.#conditionFailures = new ThrottledReporter((count, reason) =>
      log.warn({ count, reason }, messages.conditionFailed),
    );
    const ring = () => this.#wakeup.ring();
    const onConditionFailure = (reason: string) => this.#conditionFailures.count(reason);
    this.#memory = memory.open();
    const ledger = new RouteLedger(session.cursor, queue, this.#memory);
    const feed = new RouteFeed(options, { session, ledger, onConditionFailure, ring }, handledBeyondCursor);
    this.#liveness = new RouteLiveness(options.timeout);
    const sinkClient = new SinkClient(openSink, options.timeout, this.#liveness, log);
    const [stopping, aborting] = [this.#stopping.signal, this.#aborting.signal];
    this.#pauseNow = () => events.pauseOf(options.name);
    // Looked at each time: a process that was stopped may go on here before anybody tells it that the route is lost.
    const mayStart = () => this.#pauseNow() === null && !session.lost.aborted;
    this.#dispatcher = new Dispatcher(options, { ledger, feed, sinkClient, log, stopping, mayStart, aborting, ring });
    this.#ledger = ledger;
    this.#feed = feed;
    this.#sinkClient = sinkClient;
    this.#unsubscribe = events.subscribe((change) => {
      if (change === 'records') feed.lookAgain();
      ring();
    });
    this.#running = this.#run();
  }

  get counts(): RouteCounts {
    return this.#dispatcher.counts;
  }

  get activity(): RouteActivity {
    const { refusedAccounts } = this.#dispatcher;
    const { state: circuit, since: circuitSince, trouble, probeIn } = this.#dispatcher.circuit;
    const { cursor, attempting: inFlight } = this.#ledger;
    const { failures: conditionFailures, trouble: conditionTrouble } = this.#feed.condition;
    const [paused, interrupted] = [this.#pauseNow(), this.#interrupted];
    const sink = { circuit, circuitSince, refusedAccounts, trouble, probeIn };
    return { cursor, inFlight, conditionFailures, conditionTrouble, paused, interrupted, ...sink };
  }

  /** True where its loop or an attempt hasn't moved for far longer than it may take. */
  get stuck(): boolean {
    return !this.#stopping.signal.aborted && this.#liveness.stuck;
  }

  /**
   * An operator wants what is due to be tried now: a sink that is away is probed at once. Returns true where it was away;
   * false also while the route is paused, because no attempt starts.
   */
  tryNow(): boolean {
    if (this.#pauseNow() !== null || !this.#dispatcher.hasten()) return false;
    this.#feed.lookAgain();
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
    await this.#dispatcher.close();
    this.#memory.close();
    this.#feed.save(true);
    this.#conditionFailures.close();
    deadline.removeEventListener('abort', abort);
    await unlessAborted(this.#sinkClient.close(), deadline).catch((error) =>
      this.#log.warn({ reason: reasonOf(error) }, messages.sinkNotClosed),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(firstPause, longestPause);
    while (!signal.aborted) {
      this.#liveness.awake();
      this.#tellPause();
      try {
        await this.#feed.saveAgain();
        this.#feed.save();
        await this.#fill();
        const lingering = this.#dispatcher.dispatch();
        // Again, for what it has just read and doesn't want: no attempt will end, and make another round.
        this.#feed.save();
        backoff.reset();
        this.#interrupted = undefined;
        const idleFor = this.#idleFor(lingering);
        this.#liveness.asleep(idleFor);
        await this.#wakeup.heard(idleFor);
      } catch (error) {
        // A disk that is full is one line, not one each try.
        const reason = reasonOf(error);
        if (reason !== this.#interrupted) this.#log.error({ err: error }, messages.routeInterrupted);
        this.#interrupted = reason;
        this.#feed.lookAgain();
        await backoff.pause(signal).catch(() => undefined);
      }
    }
  }

  #tellPause(): void {
    const pause = this.#pauseNow();
    if (pause !== null && this.#pause === null)
      this.#log.warn({ by: pause.who, since: new Date(pause.at).toISOString() }, messages.paused);
    if (pause === null && this.#pause !== null) this.#log.info(messages.resumed);
    this.#pause = pause;
  }

  async #fill(): Promise<void> {
    const { circuit } = this.#dispatcher;
    if (this.#pauseNow() !== null) return this.#feed.findDropped();
    circuit.tick();
    if (circuit.state !== 'open' && (await this.#feed.fill())) this.#wakeup.ring();
  }

  /**
   * Milliseconds until there is something to do that no ring will tell of.
   * @param lingering as `dispatch` has told it: by now it may be over, and must be heard of all the same
   */
  #idleFor(lingering: number): number {
    if (this.#pauseNow() !== null) return this.#feed.savesIn;
    const { state, probeIn } = this.#dispatcher.circuit;
    return state === 'open' ? probeIn : Math.min(lingering, this.#feed.dueIn);
  }
}
