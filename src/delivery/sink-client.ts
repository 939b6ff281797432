import type { Logger } from 'pino';
import { onAbort } from '../common/async/abort.ts';
import { Deadlines } from '../common/async/deadlines.ts';
import { reasonOf } from '../common/errors.ts';
import { isHolder, type Json } from '../common/json.ts';
import { messages } from '../common/messages.ts';
import { createMask, type Mask } from '../common/text/secret-mask.ts';
import type { Delivery } from '../notification/envelope.ts';
import { type Outcome, type Sink, SinkUnavailable } from '../sinks/sink.ts';
import type { RouteLiveness } from './liveness.ts';

/** How a route reaches its sink: opened with the first delivery, and opened anew after it has not answered. */
export class SinkClient {
  readonly #openSink: () => Promise<Sink>;
  readonly #timeout: number;
  readonly #deadlines: Deadlines;
  readonly #liveness: RouteLiveness;
  readonly #log: Logger;
  #opening: Promise<Opened> | undefined;
  /** Resolves when the sink before has let go of everything. */
  #closing: Promise<void> = Promise.resolve();

  /** @param timeout milliseconds that one attempt may take */
  constructor(openSink: () => Promise<Sink>, timeout: number, liveness: RouteLiveness, log: Logger) {
    this.#openSink = openSink;
    this.#timeout = timeout;
    this.#deadlines = new Deadlines(timeout);
    this.#liveness = liveness;
    this.#log = log;
  }

  /**
   * One attempt: every delivery gets its outcome, whatever the sink does. No reason quotes what the route reveals.
   * @throws SinkUnavailable; the signal's reason when it aborts
   */
  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const discretion = discretionFor(batch);
    try {
      const outcomes = await this.#inTime(batch, signal);
      if (outcomes.length === batch.length) return discretion?.inOutcomes(outcomes) ?? outcomes;
      throw new Error(`the sink gave ${outcomes.length} outcomes for ${batch.length} deliveries`);
    } catch (error) {
      discretion?.inError(error);
      if (error instanceof SinkUnavailable || signal.aborted) throw error;
      if (error instanceof Late) return this.#late(batch);
      return this.#broken(batch, error, signal);
    }
  }

  async close(): Promise<void> {
    this.#deadlines.close();
    await this.#closeSink();
  }

  /** Rejects with `Late` once the time is over, or with the signal's reason; the sink is told in both cases. */
  #inTime(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const opening = this.#open();
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown) => {
        opening.then(({ calling }) => calling.abort(reason)).catch(() => undefined);
        reject(reason);
      };
      const stopClock = this.#deadlines.start(() => giveUp(new Late()));
      const stopListening = onAbort(signal, () => giveUp(signal.reason));
      const ended = this.#liveness.attempt();
      const settle = <T>(conclude: (result: T) => void) => {
        return (result: T) => {
          ended();
          stopClock();
          stopListening();
          conclude(result);
        };
      };
      opening.then(({ sink, calling }) => sink.deliver(batch, calling.signal)).then(settle(resolve), settle(reject));
    });
  }

  /** Never opens a second one beside one that hangs: both would take from what all routes share. */
  #open(): Promise<Opened> {
    if (this.#opening !== undefined) return this.#opening;
    const opening: Promise<Opened> = this.#closing.then(() => {
      if (this.#opening !== opening) throw new SinkUnavailable('the previous sink has not closed in time');
      return this.#openAnew();
    });
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  async #openAnew(): Promise<Opened> {
    try {
      return { sink: await this.#openSink(), calling: new AbortController() };
    } catch (error) {
      if (error instanceof SinkUnavailable) throw error;
      throw new SinkUnavailable(`the sink can't be opened: ${reasonOf(error)}`, { cause: error });
    }
  }

  #closeSink(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    const closed = opening?.then(
      ({ sink }) => sink.close(),
      () => undefined, // one that could not be opened has told so whoever waited for it
    );
    this.#closing = Promise.all([this.#closing, closed?.catch(() => undefined)]).then(() => undefined);
    return closed ?? Promise.resolve();
  }

  /** Nobody knows what a sink does that has lost an attempt: the next one gets a new sink. */
  #late(batch: readonly Delivery[]): Outcome[] {
    const reason = `the sink has not answered within ${this.#timeout / 1_000} s`;
    this.#log.error({ deliveries: batch.length, reason }, messages.sinkSilent);
    this.#closeSink().catch((error) => this.#log.warn({ reason: reasonOf(error) }, messages.oldSinkNotClosed));
    return batch.map(() => ({ status: 'retry', reason, away: true }));
  }

  /** A bug in the sink, perhaps met by one delivery alone: the batch is halved until that one stands by itself. */
  async #broken(batch: readonly Delivery[], error: unknown, signal: AbortSignal): Promise<readonly Outcome[]> {
    if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      const first = await this.deliver(batch.slice(0, half), signal);
      const second = this.deliver(batch.slice(half), signal).catch((failure) => {
        // Delivered ones stay delivered, even if the sink becomes unavailable in between.
        if (first.every(({ status }) => status !== 'delivered')) throw failure;
        return batch.slice(half).map((): Outcome => ({ status: 'retry', reason: reasonOf(failure), away: true }));
      });
      return [...first, ...(await second)];
    }
    this.#log.error({ err: error, id: batch[0]?.header.id }, messages.sinkFailed);
    return batch.map(() => ({ status: 'retry', reason: `the sink failed unexpectedly: ${reasonOf(error)}` }));
  }
}

interface Opened {
  readonly sink: Sink;
  /**
   * Aborts what the sink was given. There is one for all attempts, because a sink that is late with one is replaced.
   */
  readonly calling: AbortController;
}

class Late extends Error {}

/** Masks the secrets of a batch in the sink's results: a receiver may return what it received. */
interface Discretion {
  inOutcomes(outcomes: readonly Outcome[]): readonly Outcome[];
  /** Changes the error itself, and what it was caused by. */
  inError(error: unknown): void;
}

/** Undefined for a batch without secrets, as nearly all are. */
function discretionFor(batch: readonly Delivery[]): Discretion | undefined {
  if (batch.every(({ secrets }) => secrets.length === 0)) return undefined;
  const mask = rememberingMask(batch);
  return {
    inOutcomes: (outcomes) =>
      outcomes.map((outcome) =>
        outcome.status === 'delivered' ? outcome : { ...outcome, reason: mask(outcome.reason) },
      ),
    inError(error) {
      const chain = new Set<unknown>();
      for (let one = error; Error.isError(one) && !chain.has(one); one = one.cause) {
        chain.add(one);
        one.message = mask(one.message);
        if (one.stack !== undefined) one.stack = mask(one.stack);
      }
    },
  };
}

/** A body that holds more was made to do harm: rather than looking for all of them, nothing is said. */
const mostValues = 1_000;

/** Nearly always, one reason is said of a whole batch. */
function rememberingMask(batch: readonly Delivery[]): Mask {
  let mask: Mask | undefined;
  const known = new Map<string, string>();
  return (text) => {
    mask ??= maskOf(batch.flatMap(({ secrets }) => secrets.flatMap(({ value }) => textsIn(value))));
    const masked = known.get(text) ?? mask(text);
    known.set(text, masked);
    return masked;
  };
}

function maskOf(texts: readonly string[]): Mask {
  const secrets = [...new Set(texts)];
  return secrets.length > mostValues
    ? () => 'the reason is withheld, because it may contain a secret'
    : createMask(() => secrets);
}

function textsIn(value: Json | undefined): string[] {
  if (isHolder(value)) return Object.values(value).flatMap(textsIn);
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}
