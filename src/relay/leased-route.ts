import type { Logger } from 'pino';
import { onAbort } from '../common/async/abort.ts';
import { Backoff } from '../common/async/loop.ts';
import { reasonOf } from '../common/errors.ts';
import { messages } from '../common/messages.ts';
import { RouteCounts } from '../delivery/counts.ts';
import type { Route } from '../delivery/route.ts';
import type { RoutePlace } from '../journal/journal.ts';
import type { RouteSession } from '../journal/route-session.ts';

/** Between tries to start a route while the journal can't be read or written, in milliseconds. */
export const firstPause = 200;
export const longestPause = 10_000;

/** A route that has its place in the journal, and runs for as long as the session there is this daemon's. */
export class LeasedRoute {
  readonly #place: RoutePlace;
  readonly #start: (session: RouteSession) => Promise<Route>;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #deadline = AbortSignal.abort();
  #route: Route | undefined;
  /** Why it isn't started. */
  #trouble: string | undefined;
  readonly #since = Date.now();
  readonly #noCounts = new RouteCounts();

  constructor(place: RoutePlace, start: (session: RouteSession) => Promise<Route>, log: Logger) {
    this.#place = place;
    this.#start = start;
    this.#log = log;
    this.#running = this.#run();
  }

  /** Undefined while it doesn't run here. */
  get route(): Route | undefined {
    return this.#route;
  }

  /** Undefined while it is somebody else's. */
  get snapshot(): Pick<Route, 'stuck' | 'activity' | 'counts'> | undefined {
    if (this.#route !== undefined || this.#trouble === undefined) return this.#route;
    const idle = {
      inFlight: 0,
      conditionFailures: 0,
      conditionTrouble: null,
      paused: null,
      trouble: undefined,
      probeIn: 0,
    };
    const circuit = { circuit: 'closed', circuitSince: this.#since, refusedAccounts: 0 } as const;
    return {
      stuck: false,
      activity: { ...idle, ...circuit, cursor: 0, interrupted: this.#trouble },
      counts: this.#noCounts,
    };
  }

  /** Finishes what is on its way. @param deadline aborts that */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#deadline = deadline;
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(firstPause, longestPause);
    while (!signal.aborted) {
      try {
        await this.#runWith(await this.#place.session(signal));
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        const reason = reasonOf(error);
        if (reason !== this.#trouble) this.#log.error({ reason }, messages.routeNotStarted);
        this.#trouble = reason;
        await backoff.pause(signal).catch(() => undefined);
      }
    }
  }

  /** Until the session is lost, or the route is to stop. */
  async #runWith(session: RouteSession): Promise<void> {
    try {
      const route = await this.#start(session);
      this.#route = route;
      this.#trouble = undefined;
      await eitherAborted(this.#stopping.signal, session.lost);
      await route.stop(session.lost.aborted ? session.lost : this.#deadline);
    } finally {
      this.#route = undefined;
      await session.close().catch((error) => {
        const reason = reasonOf(error);
        this.#log.error({ reason }, messages.progressNotSaved);
      });
    }
  }
}

function eitherAborted(one: AbortSignal, other: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stops = [one, other].map((signal) => onAbort(signal, () => resolve()));
  return promise.finally(() => {
    for (const stop of stops) stop();
  });
}
