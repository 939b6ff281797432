import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';
import { type Delivery, type Outcome, type Sink, SinkUnavailable } from '../sinks/sink.ts';
import { unlessAborted } from '../waiting.ts';
import type { RoutePulse } from './pulse.ts';

/** How a route reaches its sink: opened with the first delivery, and opened anew after it has not answered. */
export class Outlet {
  readonly #openSink: () => Promise<Sink>;
  readonly #timeout: number;
  readonly #pulse: RoutePulse;
  readonly #log: Logger;
  #sink: Promise<Sink> | undefined;

  /** @param timeout milliseconds that one attempt may take */
  constructor(openSink: () => Promise<Sink>, timeout: number, pulse: RoutePulse, log: Logger) {
    this.#openSink = openSink;
    this.#timeout = timeout;
    this.#pulse = pulse;
    this.#log = log;
  }

  /**
   * One attempt: every delivery gets its outcome, whatever the sink does.
   * @throws SinkUnavailable; the signal's reason when it aborts
   */
  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly Outcome[]> {
    try {
      const outcomes = await this.#inTime(async (deadline) => (await this.#open()).deliver(batch, deadline), signal);
      if (outcomes.length === batch.length) return outcomes;
      throw new Error(`the sink gave ${outcomes.length} outcomes for ${batch.length} deliveries`);
    } catch (error) {
      if (error instanceof SinkUnavailable || signal.aborted) throw error;
      if (error instanceof Late) return this.#late(batch);
      return this.#broken(batch, error, signal);
    }
  }

  async close(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await (await sink)?.close();
  }

  #open(): Promise<Sink> {
    this.#sink ??= this.#openSink().catch((error) => {
      this.#sink = undefined;
      if (error instanceof SinkUnavailable) throw error;
      throw new SinkUnavailable(`the sink can't be opened: ${reasonOf(error)}`, { cause: error });
    });
    return this.#sink;
  }

  async #inTime<T>(work: (deadline: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const ended = this.#pulse.attempt();
    const deadline = new AbortController();
    const abort = () => deadline.abort(signal.reason);
    const timer = setTimeout(() => deadline.abort(new Late()), this.#timeout);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await unlessAborted(work(deadline.signal), deadline.signal);
    } finally {
      ended();
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Nobody knows what a sink does that has lost an attempt: the next one gets a new sink. */
  #late(batch: readonly Delivery[]): Outcome[] {
    const reason = `the sink has not answered within ${this.#timeout / 1_000} s`;
    this.#log.error({ deliveries: batch.length }, reason);
    this.close().catch((error) => this.#log.warn({ reason: reasonOf(error) }, 'the old sink could not be closed'));
    return batch.map(() => ({ status: 'retry', reason, away: true }));
  }

  /** A bug in the sink, perhaps met by one delivery alone: the batch is halved until that one stands by itself. */
  async #broken(batch: readonly Delivery[], error: unknown, signal: AbortSignal): Promise<readonly Outcome[]> {
    if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      const first = await this.deliver(batch.slice(0, half), signal);
      return [...first, ...(await this.deliver(batch.slice(half), signal))];
    }
    this.#log.error({ err: error, id: batch[0]?.id }, 'the sink failed unexpectedly');
    return batch.map(() => ({ status: 'retry', reason: `the sink failed unexpectedly: ${reasonOf(error)}` }));
  }
}

class Late extends Error {}
