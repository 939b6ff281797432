import type { Logger } from 'pino';
import { Slots } from '../common/async/slots.ts';
import { reasonOf } from '../common/errors.ts';
import { messages } from '../common/messages.ts';
import { truncateUtf8 } from '../common/text/format.ts';
import { ThrottledReporter } from '../common/throttled-reporter.ts';
import { type Attempt, triesIn } from '../journal/route-session.ts';
import { createReshape, type Reshape, type ShapeOptions } from '../routes/reshape.ts';
import { shape } from '../routes/shape.ts';
import { type Outcome, type SinkLimits, SinkUnavailable } from '../sinks/sink.ts';
import { AccountCircuits, Circuit, type CircuitOptions } from './circuit.ts';
import { RouteCounts } from './counts.ts';
import type { DigestOptions } from './digest.ts';
import type { RouteFeed } from './feed.ts';
import type { RouteLedger } from './ledger.ts';
import type { PendingDelivery } from './pending-delivery.ts';
import { nextTry, type RetryOptions } from './retry.ts';
import type { SinkClient } from './sink-client.ts';

type Batch = readonly Readonly<PendingDelivery>[];

export interface DispatchOptions {
  readonly flow: SinkLimits;
  readonly retry: RetryOptions;
  readonly circuit: Omit<CircuitOptions, 'refusals'>;
  /** Dotted paths of the secrets that it gets in clear. */
  readonly reveal: readonly string[];
  readonly shape?: ShapeOptions | undefined;
  readonly digest?: DigestOptions | undefined;
}

export interface DispatchContext {
  readonly ledger: RouteLedger;
  readonly feed: RouteFeed;
  readonly sinkClient: SinkClient;
  readonly log: Logger;
  /** From then on no attempt follows another one by itself. */
  readonly stopping: AbortSignal;
  /** False while an operator has paused the route, and once it may be another daemon's. */
  readonly mayStart: () => boolean;
  /** Aborts what is with the sink. */
  readonly aborting: AbortSignal;
  /** Rings when an attempt has ended and the route's loop has something to do. */
  readonly ring: () => void;
}

/** Hands batches to the sink, as many at a time as it may have, and tells the ledger what became of each delivery. */
export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #context: DispatchContext;
  readonly #reshape: Reshape | undefined;
  readonly circuit: Circuit;
  readonly #accounts: AccountCircuits;
  readonly counts = new RouteCounts();
  readonly #deadLetters: ThrottledReporter;
  readonly #attempts = new Slots<Promise<void>>();

  constructor(options: DispatchOptions, context: DispatchContext) {
    this.#options = options;
    this.#context = context;
    this.#reshape = createReshape(options.shape);
    const { retry, circuit } = options;
    // It opens before one notification by itself could be at the end of its tries: an outage makes no dead letter.
    const failures = Math.min(circuit.failures, Math.max(1, retry.schedule.length));
    this.circuit = new Circuit({ ...circuit, failures, refusals: circuit.failures });
    this.#accounts = new AccountCircuits({ ...circuit, failures, refusals: circuit.failures }, context.log);
    this.#deadLetters = new ThrottledReporter((count, reason) =>
      context.log.warn({ count, reason }, messages.deadLetters),
    );
  }

  /**
   * Hands over as many batches as the sink may have at a time; while the circuit isn't closed, at most a probe. Returns the
   * milliseconds for which it leaves what is ready to fill a batch; without end where it leaves nothing for that.
   */
  dispatch(): number {
    const { ledger, feed, mayStart } = this.#context;
    const { batch, concurrency } = this.#options.flow;
    for (;;) {
      const isProbe = this.circuit.state === 'probing';
      const places = isProbe ? 1 : this.circuit.state === 'closed' ? concurrency : 0;
      if (this.#attempts.size >= places || ledger.ready === 0 || !mayStart()) return Number.POSITIVE_INFINITY;
      const { lingerFor } = feed;
      if (!isProbe && lingerFor > 0) return lingerFor;
      this.#start(ledger.attempt(isProbe ? Math.min(this.circuit.probeSize, batch.max) : batch.max, batch.size));
    }
  }

  /** How many accounts the sink refuses, while it takes what belongs to others. */
  get refusedAccounts(): number {
    return this.#accounts.refusing;
  }

  /** Somebody has mended the sink. Returns true where it was away. */
  hasten(): boolean {
    this.#accounts.hasten();
    return this.circuit.hasten();
  }

  /** Resolves when all attempts have ended; the route's loop has ended before. */
  async close(): Promise<void> {
    await Promise.all(this.#attempts);
    this.#deadLetters.close();
  }

  #start(batch: Batch): void {
    const attempt = this.#attempt(batch).then((delivered) => {
      leave();
      // While all goes well and there is enough to fill the next batch, it follows at once, and the loop sleeps.
      if (delivered && !this.#context.stopping.aborted && !this.#context.feed.wantsAttention) this.dispatch();
      else this.#context.ring();
    });
    const leave = this.#attempts.add(attempt);
  }

  /** Resolves when something has become of them: true where all were delivered. */
  async #attempt(taken: Batch): Promise<boolean> {
    const { ledger, sinkClient, aborting } = this.#context;
    const batch = this.#accounts.size === 0 ? taken : this.#withoutRefused(taken);
    if (batch.length === 0) return true;
    const at = Date.now();
    const started = performance.now();
    try {
      const { reveal } = this.#options;
      const deliveries = batch.map(({ entry, mayRepeat }) => shape(entry, reveal, this.#reshape, mayRepeat));
      const outcomes = await sinkClient.deliver(deliveries, aborting);
      const duration = Math.round(performance.now() - started);
      this.counts.attempts.add(duration / 1_000);
      this.#tellCircuit(outcomes);
      this.#conclude(batch, outcomes, at, duration);
      return outcomes.every(({ status }) => status === 'delivered');
    } catch (error) {
      // One that may be at fault itself must not be tried again and again, while nobody tries the others.
      const isSuspect = batch.length === 1 && error instanceof SinkUnavailable && error.unsure;
      ledger.requeue(batch, isSuspect ? 'last' : 'first');
      if (!aborting.aborted) this.#unavailable(error);
      return false;
    }
  }

  /** What of a batch may be tried: accounts that are refused wait. */
  #withoutRefused(batch: Batch): Batch {
    return batch.filter((delivery) => {
      const hold = this.#accounts.holdOf(delivery.entry.header.accountId);
      if (hold !== undefined) this.#postpone(delivery, hold.wait, hold.reason);
      return hold === undefined;
    });
  }

  /** No try of it is used up. */
  #postpone(delivery: Readonly<PendingDelivery>, wait: number, reason: string): void {
    this.#context.ledger.retryAt(Date.now() + Math.ceil(wait), delivery, delivery.attempts, shortened(reason));
  }

  /** Tells the circuit the result of an attempt: the sink is away if everything failed, and not because of a delivery. */
  #tellCircuit(outcomes: readonly Outcome[]): void {
    const [first] = outcomes;
    if (first !== undefined && isRefusedToAll(first) && outcomes.every(isRefusedToAll)) {
      if (this.circuit.refused(first)) this.#opened();
      return;
    }
    if (!outcomes.every(isAway)) {
      this.#answered(outcomes.length);
      return;
    }
    const notBefore = outcomes.reduce((latest, outcome) => Math.max(latest, outcome.notBefore ?? 0), 0);
    if (this.circuit.failed(outcomes[0] ?? { reason: '' }, this.#askedFor(notBefore))) this.#opened();
  }

  /** For how long the sink has asked to be left alone, in milliseconds, as far as it may. */
  #askedFor(notBefore: number): number {
    return Math.min(notBefore - Date.now(), this.#options.retry.maxWait);
  }

  #conclude(batch: Batch, outcomes: readonly Outcome[], at: number, duration: number): void {
    const { ledger } = this.#context;
    const untried: Readonly<PendingDelivery>[] = [];
    // What went out as one message returns as one.
    const together = this.#options.digest && draw();
    for (const [index, delivery] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) break;
      this.counts.concluded(delivery.entry, outcome, at + duration);
      if (outcome.status === 'delivered') {
        ledger.settle(delivery, outcome.code ?? null);
        if (this.#accounts.size > 0) this.#accounts.served(delivery.entry.header.accountId);
      }
      // While the sink is away, nothing is said about this one: its tries are not used up.
      else if (this.circuit.state === 'open') untried.push(delivery);
      else this.#failed(delivery, outcome, attemptOf(outcome, at, duration), together);
    }
    // Last, so that probes try others before: one of these may be the only one that can't be answered.
    if (untried.length > 0) ledger.requeue(untried, 'last');
  }

  #failed(delivery: Readonly<PendingDelivery>, outcome: Failure, attempt: Attempt, { now, chance } = draw()): void {
    const isOfAccount = outcome.status === 'dead' && outcome.refused === 'account';
    const wait = isOfAccount ? this.#accounts.refused(delivery.entry.header.accountId, outcome) : undefined;
    if (wait !== undefined) {
      this.#postpone(delivery, wait, outcome.reason);
      return;
    }
    const attempts = [...delivery.attempts, attempt];
    if (outcome.status === 'dead') {
      this.#deadLetter(delivery, attempts, outcome.reason);
      return;
    }
    const tries = triesIn(attempts);
    const dueAt = nextTry(tries, outcome.notBefore, this.#options.retry, now, chance);
    if (dueAt === null) this.#deadLetter(delivery, attempts, `gave up after ${tries} tries: ${outcome.reason}`);
    else this.#context.ledger.retryAt(dueAt, delivery, attempts, shortened(outcome.reason));
  }

  #deadLetter(delivery: Readonly<PendingDelivery>, attempts: readonly Attempt[], reason: string): void {
    const short = shortened(reason);
    if (!this.#context.ledger.deadLetter(delivery, attempts, short)) return;
    this.counts.dead += 1;
    this.#deadLetters.count(short);
  }

  #unavailable(error: unknown): void {
    this.counts.unavailable += 1;
    const isKnown = error instanceof SinkUnavailable;
    if (!isKnown) this.#context.log.error({ err: error }, messages.attemptFailed);
    const { probeAfter: pause, notBefore = 0, code } = isKnown ? error : {};
    if (this.circuit.open({ reason: reasonOf(error), code }, { pause, asked: this.#askedFor(notBefore) }))
      this.#opened();
  }

  #opened(): void {
    this.counts.opened += 1;
    const { trouble, probeIn } = this.circuit;
    const probeInSeconds = Math.ceil(probeIn / 1_000);
    this.#context.log.warn({ reason: trouble?.reason, probeInSeconds }, messages.sinkAway);
  }

  #answered(tried: number): void {
    const seconds = Math.round(this.circuit.openFor / 1_000);
    const isMost = tried >= this.#options.flow.batch.max || this.#context.ledger.ready === 0;
    if (this.circuit.answered(tried, isMost)) this.#context.log.info({ seconds }, messages.sinkBack);
  }
}

/** What the time of a next try depends on, beside the delivery. */
function draw(): { readonly now: number; readonly chance: number } {
  return { now: Date.now(), chance: Math.random() };
}

type Failure = Exclude<Outcome, { status: 'delivered' }>;

function isAway(outcome: Outcome): outcome is Extract<Outcome, { status: 'retry' }> {
  return outcome.status === 'retry' && outcome.away === true;
}

function isRefusedToAll(outcome: Outcome): outcome is Extract<Outcome, { status: 'dead' }> {
  return outcome.status === 'dead' && outcome.refused === 'all';
}

function attemptOf(outcome: Failure, at: number, duration: number): Attempt {
  const { status, reason, code } = outcome;
  return { at, duration, outcome: status, ...(code !== undefined && { code }), reason: shortened(reason) };
}

/** A reason may quote what the other side answered: 1 KiB of it is enough. */
function shortened(reason: string): string {
  return Buffer.byteLength(reason) <= 1_024 ? reason : `${truncateUtf8(reason, 1_021)}…`;
}
