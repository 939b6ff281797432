import { MemoryBudget } from '../common/memory-budget.ts';
import { messages } from '../common/messages.ts';
import type { Config } from '../config/config.ts';
import { ownFolder, storeLocation } from '../config/journal-place.ts';
import { storeAt } from '../journal/open.ts';
import type { LinkState } from '../journal/reader.ts';
import { openControl } from '../ops/control.ts';
import { openHttpPort } from '../ops/http-port.ts';
import type { Log } from '../ops/log.ts';
import { openFileShortage } from '../ops/process.ts';
import { stuckIn, summaryOf, unreadyIn } from '../ops/runtime-snapshot.ts';
import type { BrokerStatus } from '../ops/status.ts';
import type { HealthSource } from '../ops/systemd.ts';
import { Access } from '../page/access.ts';
import { sinkDeclaration } from '../sinks/declarations.ts';
import { FileWatch, markOf } from './file-watch.ts';
import { IntakePipelines } from './intake-pipelines.ts';
import { heldIn, introspect } from './introspect.ts';
import {
  aboutDaemon,
  applyReload,
  policyOf,
  Reloader,
  type ReloadReport,
  type RunConfig,
  type Running,
} from './reload.ts';
import { Routes } from './routes.ts';
import { startSelfReports } from './self-reports.ts';

export interface Relay {
  /** What a service manager wants to know. */
  readonly health: HealthSource;
  /** Resolves once the page can be opened, where the HTTP port isn't off; or when that is closed before. */
  readonly pageOpened: Promise<void>;
  /**
   * Loads the configuration again, after any reload in progress: equal parts continue, changed ones are replaced when
   * their work in flight is done. It never rejects: an invalid configuration changes nothing, and the report says why.
   */
  reload(): Promise<ReloadReport>;
  /**
   * Stops intake, finishes what is in flight, and closes everything in the reverse order of its start. What isn't
   * finished within `shutdown.timeout` stays where it is safe: on the broker or in the journal.
   */
  stop(): Promise<void>;
}

export interface RelayOptions {
  /** Reads the configuration. What it throws at a reload becomes the reason in the report. */
  readonly load: () => RunConfig;
  /** Is called when a reload begins, and what it gives when that has ended. */
  readonly onReload?: () => () => void;
}

/**
 * Builds the relay that a configuration describes, and starts it: journal, routes, links to the brokers, in this order,
 * so that whatever comes in finds its way prepared.
 * @throws JournalError, SchemaError
 */
export async function startRelay(first: RunConfig, log: Log, { load, onReload }: RelayOptions): Promise<Relay> {
  const { config } = first;
  const { logger } = log;
  // What changes while all that follows is made ready has changed since it was read.
  const asRead = first.watched.map(markOf);
  const policy = policyOf(config);
  warnOfFewDescriptors(config, log);
  const memory = new MemoryBudget(config.memory.buffers);
  const about = aboutDaemon(config);
  const journal = await storeAt(storeLocation(config)).open(config.journal, logger, { memory, about });
  const routes = new Routes(journal, config, memory, logger);
  journal.subscribe((change) => {
    if (typeof change === 'object') routes.tryNow(change.probe ?? undefined);
  });
  await Promise.all(config.routes.map((route) => routes.start(route)));
  const pipelines = new IntakePipelines(policy, { appender: journal, memory, log: logger }, journal);
  journal.show?.({
    routes: () => new Map(routes.snapshot.map(({ name, activity }) => [name, activity])),
    links: () => pipelines.status.map(linkOf),
  });
  const shutdown = new Shutdown();
  const { stopping, impatient } = shutdown;
  await pipelines.replace(config, impatient);

  const fileWatch = new FileWatch(() => void reloader.request());
  const running: Running = {
    ...{
      config,
      access: new Access(config.http.access.users, journal.logins),
      loaded: first,
      files: first.files,
      read: first.read,
      memory,
      journal,
      routes,
      pipelines,
      fileWatch,
      log,
    },
    ...{ stopping, impatient },
  };
  const reloader = new Reloader(
    async () => {
      const end = onReload?.();
      try {
        return await applyReload(running, load());
      } finally {
        end?.();
      }
    },
    logger,
    () => running.files,
  );
  fileWatch.watch(first.watched, asRead);

  const { snapshot, status, forget } = introspect(
    running,
    () => http?.status ?? null,
    () => reports.overdue,
  );
  const reports = startSelfReports(running, snapshot);
  const cachedStatus = () => status(snapshot.summary);
  const endpoints = async () => {
    const [{ endpointsOf }, { pageOf }] = await Promise.all([import('../ops/http-server.ts'), import('./page.ts')]);
    const page = pageOf(running, {
      status: cachedStatus,
      summary: snapshot.summary,
      lastReload: () => reloader.report,
      forget,
    });
    return endpointsOf(snapshot, cachedStatus, log, page);
  };
  const http = openHttpPort(config.http, endpoints, logger);
  const answers = {
    status: () => status(() => heldIn(journal)),
    reload: () => reloader.request(),
    config: async () => running.read,
    live: async () => stuckIn(snapshot),
    ready: async () => unreadyIn(snapshot),
    async look() {
      journal.look();
      return null;
    },
    page: async () => ({ http: http?.status ?? null, path: await loginPath(running.access) }),
    try: async (route?: string) => {
      journal.look();
      return routes.tryNow(route);
    },
  };
  const control = await openControl(ownFolder(config.journal), answers, logger);

  return {
    pageOpened: http?.opened ?? Promise.resolve(),
    health: { summary: () => summaryOf(snapshot), stuck: () => stuckIn(snapshot) },
    reload: () => reloader.request(),
    stop: () => shutdown.run(running, { reloader, control, http, reports }),
  };
}

/** Whoever may ask the daemon here is an operator. */
async function loginPath(access: Access): Promise<string> {
  return `/login?link=${await access.createLink({ name: 'page link', role: 'operator' })}`;
}

/** What other daemons are told of a link. */
function linkOf({ zone, broker, state, since, paused, reason, code }: BrokerStatus): LinkState {
  return { zone, broker, state, since: Date.parse(since), paused, reason, code };
}

function warnOfFewDescriptors({ brokers, routes }: Config, { logger }: Log): void {
  const few = openFileShortage([
    ...brokers.map(() => 1),
    ...routes.map(({ sink: { type, options } }) => sinkDeclaration(type).limits(options).concurrency),
  ]);
  if (few !== null) logger.warn(few, messages.fewFiles);
}

interface Closable {
  close(): Promise<void>;
}

/** The doors to the daemon, which close first. */
interface Doors {
  readonly reloader: Reloader;
  readonly control: Closable;
  readonly http: Closable | null;
  readonly reports: Closable;
}

/** A stop: signals those that wait, and closes everything in a fixed order. */
class Shutdown {
  readonly #stopping = new AbortController();
  readonly #impatient = new AbortController();

  /** Aborts when the stop begins: what waits for something that may never come waits no longer. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborts when the time for a stop is over: what is in flight is cut off. */
  get impatient(): AbortSignal {
    return this.#impatient.signal;
  }

  async run(running: Running, { reloader, control, http, reports }: Doors): Promise<void> {
    const { config, journal, routes, pipelines, fileWatch } = running;
    const over = () => this.#impatient.abort(new Error('the time for a stop is over'));
    const patience = setTimeout(over, config.shutdown.timeout);
    this.#stopping.abort(new Error('the daemon is stopping'));
    const reloads = reloader.close();
    await control.close();
    await http?.close();
    await reports.close();
    await reloads;
    await fileWatch.close();
    await pipelines.stop(this.impatient);
    await routes.stop(this.impatient);
    await journal.close();
    clearTimeout(patience);
  }
}
