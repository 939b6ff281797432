import type { Logger } from 'pino';
import { Backoff } from '../common/async/loop.ts';
import { reasonOf } from '../common/errors.ts';
import type { MemoryBudget } from '../common/memory-budget.ts';
import { messages } from '../common/messages.ts';
import type { RouteConfig } from '../config/config.ts';
import { type RouteActivity, startRoute } from '../delivery/route.ts';
import type { Journal } from '../journal/journal.ts';
import type { RouteSession } from '../journal/route-session.ts';
import type { RouteSnapshot } from '../ops/runtime-snapshot.ts';
import { selectionOf } from '../routes/match.ts';
import { sinkKind } from '../sinks/registry.ts';
import { type Changes, changesIn } from './changes.ts';
import { firstPause, LeasedRoute, longestPause } from './leased-route.ts';

interface Running {
  readonly config: RouteConfig;
  readonly leased: LeasedRoute;
}

/** The routes that run. */
export class Routes {
  readonly #journal: Journal;
  readonly #memory: MemoryBudget;
  readonly #log: Logger;
  readonly #running = new Map<string, Running>();

  constructor(journal: Journal, memory: MemoryBudget, log: Logger) {
    this.#journal = journal;
    this.#memory = memory;
    this.#log = log;
  }

  activityOf(name: string): RouteActivity | undefined {
    return this.#running.get(name)?.leased.snapshot?.activity;
  }

  get snapshot(): RouteSnapshot[] {
    return [...this.#running].flatMap(([name, { leased }]) => {
      if (leased.snapshot === undefined) return [];
      const { stuck, activity, counts } = leased.snapshot;
      return { name, stuck, activity, counts };
    });
  }

  /** Probes the sinks that are away at once, of all routes or of one. Returns the names of their routes. */
  tryNow(only?: string): string[] {
    const tried: string[] = [];
    for (const [name, { leased }] of this.#running)
      if ((only === undefined || name === only) && leased.route?.tryNow()) tried.push(name);
    return tried;
  }

  /**
   * Resolves once it has its place in the journal, so that what intake takes from then on can't be missed.
   * @throws JournalError
   */
  async start(config: RouteConfig): Promise<void> {
    const { name, start, invalid } = config;
    const log = this.#log.child({ route: name });
    const kind = sinkKind(config.sink.type);
    const mayRemoveOld = () => this.#journal.clock.isTrusted;
    const openSink = () => kind.open(config.sink.options, { route: name, mayRemoveOld, log });
    const options = { ...config, flow: kind.limits(config.sink.options) };
    const place = await this.#journal.openRoute(name, start, invalid, selectionOf(config));
    const context = { events: this.#journal, memory: this.#memory, log, openSink };
    const run = (session: RouteSession) => startRoute(options, { ...context, session });
    this.#running.set(name, { config, leased: new LeasedRoute(place, run, log) });
  }

  /**
   * Applies a configuration to the routes: equal ones continue. A replaced one first finishes its work in flight, and
   * its successor continues from its cursor. A new one waits for those that end: one of them may be the same route
   * under another name, with the same file.
   * @param stopping aborts waiting for a journal that can't be written; then the promise rejects
   * @param deadline aborts work in flight
   */
  async replace(wanted: readonly RouteConfig[], stopping: AbortSignal, deadline: AbortSignal): Promise<Changes> {
    const present = new Map([...this.#running].map(([name, { config }]) => [name, config]));
    const configs = new Map(wanted.map((config) => [config.name, config]));
    const changes = changesIn(present, configs);
    const start = async (name: string) => {
      const config = configs.get(name);
      if (config !== undefined) await this.#startSurely(config, stopping);
    };
    const removed = Promise.all(changes.removed.map((name) => this.#remove(name, deadline)));
    const replaced = changes.replaced.map(async (name) => {
      await this.#stop(name, deadline);
      await start(name);
    });
    const added = removed.then(() => Promise.all(changes.added.map(start)));
    // Each to its end, whatever becomes of the others.
    const ends = await Promise.allSettled([...replaced, added]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return changes;
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.#stop(name, deadline)));
  }

  async #stop(name: string, deadline: AbortSignal): Promise<void> {
    await this.#running.get(name)?.leased.stop(deadline);
    this.#running.delete(name);
  }

  async #remove(name: string, deadline: AbortSignal): Promise<void> {
    await this.#stop(name, deadline);
    await this.#journal.releaseRoute(name);
  }

  /** What ran before has stopped already: there is no way back but forward. */
  async #startSurely(config: RouteConfig, stopping: AbortSignal): Promise<void> {
    const backoff = new Backoff(firstPause, longestPause);
    let trouble: string | undefined;
    for (;;) {
      try {
        return await this.start(config);
      } catch (error) {
        const reason = reasonOf(error);
        if (reason !== trouble) this.#log.error({ route: config.name, reason }, messages.routeNotStarted);
        trouble = reason;
      }
      await backoff.pause(stopping);
    }
  }
}
