import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';
import type { Entry, Journal, Start, Unsettled } from '../journal/journal.ts';
import { createMatcher, type Decision, type Selection } from '../routes/match.ts';
import { shape } from '../routes/shape.ts';
import { type Delivery, type Outcome, type Sink, SinkUnavailable } from '../sinks/sink.ts';
import { Backoff } from '../waiting.ts';

export interface RouteOptions extends Selection {
  readonly name: string;
  /** Where it begins if the journal doesn't know it yet. */
  readonly start: Start;
  /** Dotted paths of the secrets that it gets in clear. */
  readonly reveal: readonly string[];
  /** How many deliveries a batch holds at most, and for how many milliseconds it may wait to fill. */
  readonly batch: { readonly max: number; readonly linger: number };
}

export interface RouteContext {
  readonly journal: Journal;
  readonly openSink: () => Promise<Sink>;
  readonly log: Logger;
}

/** Between tries of a sink that is away, in milliseconds. */
const firstPause = 200;
const longestPause = 60_000;

/**
 * Starts a route: from its cursor on, each notification that it wants goes to its sink. Resolves once the route has its
 * place in the journal, so that what intake takes from then on can't be missed; its sink may open later.
 */
export async function startRoute(options: RouteOptions, context: RouteContext): Promise<Route> {
  return new Route(options, context, await context.journal.openRoute(options.name, options.start));
}

export class Route {
  readonly #options: RouteOptions;
  readonly #context: RouteContext;
  readonly #match: (entry: Entry) => Decision;
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();
  readonly #backoff = new Backoff(firstPause, longestPause);
  readonly #running: Promise<void>;
  #cursor: number;
  #sink: Sink | undefined;
  /** When the sink went away, in Unix milliseconds; undefined while it works. */
  #awaySince: number | undefined;

  constructor(options: RouteOptions, context: RouteContext, cursor: number) {
    this.#options = options;
    this.#context = context;
    this.#cursor = cursor;
    this.#match = createMatcher(options);
    this.#running = this.#run();
  }

  /**
   * Finishes the batch in flight, then closes the sink. What is not delivered when `deadline` aborts stays in the journal
   * for the next start.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    const abort = () => this.#aborting.abort(deadline.reason);
    if (deadline.aborted) abort();
    deadline.addEventListener('abort', abort, { once: true });
    this.#stopping.abort();
    await this.#running;
    deadline.removeEventListener('abort', abort);
    await this.#sink?.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#step();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        // The journal couldn't be read: the cursor stands where it was, and the same step is tried again.
        this.#context.log.error({ err: error }, 'route interrupted; it will try again');
        await this.#pause().catch(() => undefined);
      }
    }
  }

  /** One batch, from reading to settling. */
  async #step(): Promise<void> {
    const entries = await this.#readBatch();
    const last = entries.at(-1);
    if (last === undefined) return;
    const { wanted, unsettled } = this.#select(entries);
    if (wanted.length > 0) unsettled.push(...(await this.#deliver(wanted)));
    this.#cursor = last.seq;
    this.#context.journal.settle(this.#options.name, last.seq, unsettled);
  }

  async #readBatch(): Promise<readonly Entry[]> {
    const { journal } = this.#context;
    const { max, linger } = this.#options.batch;
    await journal.waitFor(this.#cursor, this.#stopping.signal);
    const entries = await journal.read(this.#cursor, max);
    if (entries.length >= max || linger === 0) return entries;
    await delay(linger, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    return journal.read(this.#cursor, max);
  }

  #select(entries: readonly Entry[]): { wanted: Entry[]; unsettled: Unsettled[] } {
    const wanted: Entry[] = [];
    const unsettled: Unsettled[] = [];
    for (const entry of entries) {
      const decision = this.#match(entry);
      if (decision === 'deliver') wanted.push(entry);
      else if (decision !== 'skip')
        unsettled.push({ seq: entry.seq, state: 'quarantined', reason: decision.quarantine });
    }
    return { wanted, unsettled };
  }

  /** Tries until each entry has been delivered or is dead; returns the dead ones. */
  async #deliver(entries: readonly Entry[]): Promise<Unsettled[]> {
    const dead: Unsettled[] = [];
    let pending = entries;
    while (pending.length > 0) {
      const outcomes = await this.#attempt(pending.map((entry) => shape(entry, this.#options.reveal)));
      if (outcomes !== null) {
        const left: Entry[] = [];
        pending.forEach((entry, index) => {
          const outcome = outcomes[index];
          if (outcome?.status === 'dead') dead.push({ seq: entry.seq, state: 'dead', reason: outcome.reason });
          else if (outcome?.status !== 'delivered') left.push(entry);
        });
        pending = left;
      }
      if (pending.length > 0) await this.#pause();
    }
    return dead;
  }

  /** One try; null where the sink as a whole is away. */
  async #attempt(batch: readonly Delivery[]): Promise<Outcome[] | null> {
    try {
      this.#sink ??= await this.#context.openSink();
      const outcomes = await this.#sink.deliver(batch, this.#aborting.signal);
      if (outcomes.length !== batch.length) {
        throw new Error(`the sink gave ${outcomes.length} outcomes for ${batch.length} deliveries`);
      }
      this.#back();
      return outcomes;
    } catch (error) {
      this.#away(error);
      return null;
    }
  }

  #away(error: unknown): void {
    if (this.#awaySince !== undefined || this.#aborting.signal.aborted) return;
    this.#awaySince = Date.now();
    const reason = reasonOf(error);
    const detail = error instanceof SinkUnavailable ? { reason } : { reason, err: error };
    this.#context.log.warn(detail, 'sink unavailable; its notifications wait in the journal');
  }

  #back(): void {
    this.#backoff.reset();
    if (this.#awaySince === undefined) return;
    this.#context.log.info({ seconds: Math.round((Date.now() - this.#awaySince) / 1000) }, 'sink available again');
    this.#awaySince = undefined;
  }

  /** @throws when the route is stopped meanwhile: what is pending stays for the next start */
  #pause(): Promise<void> {
    return this.#backoff.pause(this.#stopping.signal);
  }
}
