import type { Logger } from 'pino';
import { Backoff } from '../common/async/loop.ts';
import { reasonOf } from '../common/errors.ts';
import type { MemoryBudget } from '../common/memory-budget.ts';
import { messages } from '../common/messages.ts';
import type { Config, RouteConfig } from '../config/config.ts';
import { routeInJournal } from '../config/journal-place.ts';
import { startRoute } from '../delivery/route.ts';
import type { Journal } from '../journal/journal.ts';
import type { RouteSession } from '../journal/route-session.ts';
import type { RouteSnapshot } from '../ops/runtime-snapshot.ts';
import { selectionOf } from '../routes/match.ts';
import { sinkKind } from '../sinks/registry.ts';
import { type Changes, changesIn } from './changes.ts';
import { firstPause, LeasedRoute, longestPause } from './leased-route.ts';

interface Running {
  readonly config: RouteConfig;
  /** Its name in the journal. */
  readonly place: string;
  /** Undefined where another daemon alone may run it. */
  readonly leased: LeasedRoute | undefined;
}

/** The routes of the configuration. */
export class Routes {
  readonly #journal: Journal;
  readonly #daemon: Pick<Config, 'name' | 'journal'>;
  readonly #memory: MemoryBudget;
  readonly #log: Logger;
  readonly #running = new Map<string, Running>();

  /** @param daemon who it is that runs them, and where its journal is */
  constructor(journal: Journal, daemon: Pick<Config, 'name' | 'journal'>, memory: MemoryBudget, log: Logger) {
    this.#journal = journal;
    this.#daemon = daemon;
    this.#memory = memory;
    this.#log = log;
  }

  /** Those that run here, by their names in the journal. */
  get snapshot(): RouteSnapshot[] {
    return [...this.#running.values()].flatMap(({ place, leased }) => {
      if (leased?.snapshot === undefined) return [];
      const { stuck, activity, counts } = leased.snapshot;
      return { name: place, stuck, activity, counts };
    });
  }

  /** Probes the sinks that are away at once, of all routes or of one. Returns the names of their routes in the journal. */
  tryNow(only?: string): string[] {
    const tried: string[] = [];
    for (const { place, leased } of this.#running.values())
      if ((only === undefined || place === only) && leased?.route?.tryNow()) tried.push(place);
    return tried;
  }

  /**
   * Resolves once it has its place in the journal, so that what intake takes from then on can't be missed.
   * @throws JournalError
   */
  async start(config: RouteConfig): Promise<void> {
    const { name, start, invalid, host, every } = config;
    const place = routeInJournal(config, this.#daemon);
    const log = this.#log.child({ route: place });
    const kind = await sinkKind(config.sink.type);
    const mayRemoveOld = () => this.#journal.clock.isTrusted;
    const openSink = () => kind.open(config.sink.options, { route: name, mayRemoveOld, log });
    const options = { ...config, name: place, flow: kind.limits(config.sink.options) };
    const isElsewhere = host !== undefined && host !== this.#daemon.name && this.#daemon.journal.url !== undefined;
    const sharing = { alone: host !== undefined || every, own: every };
    const opened = await this.#journal.openRoute(place, start, invalid, selectionOf(config), sharing);
    const context = { events: this.#journal, memory: this.#memory, log, openSink };
    const run = (session: RouteSession) => startRoute(options, { ...context, session });
    this.#running.set(name, { config, place, leased: isElsewhere ? undefined : new LeasedRoute(opened, run, log) });
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
    await this.#running.get(name)?.leased?.stop(deadline);
    this.#running.delete(name);
  }

  async #remove(name: string, deadline: AbortSignal): Promise<void> {
    const place = this.#running.get(name)?.place ?? name;
    await this.#stop(name, deadline);
    await this.#journal.releaseRoute(place);
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
