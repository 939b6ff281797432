import { reasonOf } from '../common/errors.ts';
import type { Config } from '../config/config.ts';
import type { Loaded } from '../config/load.ts';
import { openJournal } from '../journal/open.ts';
import { openControl } from '../ops/control.ts';
import { fewDescriptors } from '../ops/descriptors.ts';
import { stuckIn, summaryOf, unreadyIn } from '../ops/health.ts';
import { openHttpPort } from '../ops/http.ts';
import type { Insight } from '../ops/insight.ts';
import { type Log, setUsualLevel } from '../ops/log.ts';
import { sparing } from '../ops/sparing.ts';
import { type Status, statusOf } from '../ops/status.ts';
import type { Vitals } from '../ops/systemd.ts';
import { createRevealedPaths } from '../routes/match.ts';
import { createValidator } from '../schema/validator.ts';
import { sinkKind } from '../sinks/registry.ts';
import { differingOptions } from './changes.ts';
import { Lines, type Rules } from './lines.ts';
import { Reloader, type ReloadReport } from './reloader.ts';
import { Routes } from './routes.ts';
import { markOf } from './watch-file.ts';
import { Watchers } from './watchers.ts';

export interface Relay {
  /** What a service manager wants to know. */
  readonly vitals: Vitals;
  /**
   * Loads the configuration again, after any reload that is under way: what is as it was runs on untouched, what has
   * changed is replaced once its work in flight is done. Never rejects: a configuration that can't be used changes
   * nothing, and the report says why.
   */
  reload(): Promise<ReloadReport>;
  /**
   * Stops intake, finishes what is in flight, and closes everything in the reverse order of its start. What isn't
   * finished within `shutdown.timeout` stays where it is safe: on the broker or in the journal.
   */
  stop(): Promise<void>;
}

type LoadedConfig = Pick<Loaded, 'config' | 'files' | 'watched'>;

export interface RelayOptions {
  /** Reads the configuration. What it throws at a reload becomes the reason in the report. */
  readonly load: () => LoadedConfig;
  /** Is called when a reload begins, and what it gives when that has ended. */
  readonly onReload?: () => () => void;
}

/**
 * Builds the relay that a configuration describes, and starts it: journal, routes, links to the brokers, in this order,
 * so that whatever comes in finds its way prepared.
 * @throws JournalError, SchemaError
 */
export async function startRelay(first: LoadedConfig, ownLog: Log, { load, onReload }: RelayOptions): Promise<Relay> {
  const log = ownLog.logger;
  let { config, files } = first;
  // What changes while all that follows is made ready has changed since it was read.
  const asRead = first.watched.map(markOf);
  const rules: Rules = {
    validator: createValidator(config.validation.schemas),
    reveals: createRevealedPaths(config.routes),
  };
  const few = fewDescriptors([
    ...config.brokers.map(() => 1),
    ...config.routes.map(({ sink: { type, options } }) => sinkKind(type).flow(options).concurrency),
  ]);
  if (few !== null) log.warn(few, 'few files and connections may be open at a time; raise the limit');
  const journal = await openJournal(config.journal, log);
  const routes = new Routes(journal, log);
  await Promise.all(config.routes.map((route) => routes.start(route)));
  const lines = new Lines({ journal, log }, rules);
  // Reloads wait for what is in flight until a stop has lost its patience.
  const stopping = new AbortController();
  const impatient = new AbortController();
  await lines.replace(config, impatient.signal);
  const watchers = new Watchers(() => void reloader.request());

  const reloader = new Reloader(
    async () => {
      const end = onReload?.();
      try {
        const next = load();
        ({ files } = next);
        const validator = createValidator(next.config.validation.schemas);
        // Nothing is left that could be refused.
        const changed = differingOptions(optionsOf(config), optionsOf(next.config));
        config = applicable(config, next.config);
        const needs_restart = differingOptions(optionsOf(config), optionsOf(next.config));
        rules.validator = validator;
        rules.reveals = createRevealedPaths(config.routes);
        journal.limit(config.journal);
        setUsualLevel(ownLog, config.log.level);
        watchers.watch(next.watched);
        const changedRoutes = await routes.replace(config.routes, stopping.signal, impatient.signal);
        const changedBrokers = await lines.replace(config, impatient.signal);
        const applied = changed.filter((option) => !needs_restart.includes(option));
        return { routes: changedRoutes, brokers: changedBrokers, applied, needs_restart };
      } finally {
        end?.();
      }
    },
    log,
    () => files,
  );

  watchers.watch(first.watched, asRead);
  const startedAt = Date.now();
  const insight: Insight = {
    brokers: () => lines.insight,
    routes: () => routes.insight,
    summary: sparing(() => journal.summary()),
    get trouble() {
      return journal.trouble;
    },
    get maxSize() {
      return config.journal.maxSize;
    },
    get maxInvalidBytes() {
      return config.journal.maxSize * config.journal.invalidShare;
    },
    clock: journal.clock,
    maxQueue: config.queue.maxLength,
    lines: () => ownLog.lines,
  };
  const status = async (summary: Insight['summary']): Promise<Status> => {
    const activityOf = (name: string) => routes.activityOf(name);
    const held = await summary().catch(reasonOf);
    const { trouble, clock } = journal;
    return statusOf(config, held, {
      startedAt,
      brokers: lines.status,
      trouble,
      doubt: clock.doubt,
      activityOf,
      http: http?.status ?? null,
    });
  };
  const pages = async () => (await import('../ops/pages.ts')).pagesOf(insight, () => status(insight.summary), ownLog);
  const http = openHttpPort(config.http, pages, log);
  const answers = {
    status: () => status(() => journal.summary()),
    reload: () => reloader.request(),
    live: async () => stuckIn(insight),
    ready: async () => unreadyIn(insight),
    try: async (route?: string) => routes.tryNow(route),
  };
  const control = await openControl(config.journal.path, answers, log);

  return {
    vitals: { summary: () => summaryOf(insight), stuck: () => stuckIn(insight) },
    reload: () => reloader.request(),
    async stop() {
      const { timeout } = config.shutdown;
      const patience = setTimeout(() => impatient.abort(new Error('the time for a stop is over')), timeout);
      stopping.abort(new Error('the daemon is stopping'));
      const reloads = reloader.close();
      await control.close();
      await http?.close();
      await reloads;
      await watchers.close();
      await lines.stop(impatient.signal);
      await routes.stop(impatient.signal);
      await journal.close();
      clearTimeout(patience);
    },
  };
}

/** What a reload tells of option by option; of brokers and routes it tells one by one. */
function optionsOf({ brokers, routes, ...options }: Config): object {
  return options;
}

/** What of a new configuration counts at once; what stands here stays as it is until a restart. */
function applicable({ queue, journal, log, http }: Config, next: Config): Config {
  return {
    ...next,
    queue,
    journal: { ...next.journal, path: journal.path },
    log: { ...next.log, format: log.format },
    http,
  };
}
