import type { Logger } from 'pino';
import { reasonOf } from '../common/errors.ts';
import type { MemoryBudget } from '../common/memory-budget.ts';
import { messages } from '../common/messages.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Journal } from '../journal/journal.ts';
import { type Log, setUsualLevel } from '../ops/log.ts';
import type { Access } from '../page/access.ts';
import { createRevealedPaths } from '../routes/match.ts';
import { createValidator } from '../schema/validator.ts';
import { type Changes, differingOptions } from './changes.ts';
import { changedAt, type FileWatch } from './file-watch.ts';
import type { IntakePipelines } from './intake-pipelines.ts';
import type { Routes } from './routes.ts';

/** The result of a reload. */
export interface ReloadReport {
  /** False: nothing has changed, for this reason. */
  readonly reloaded: boolean;
  readonly reason: string | null;
  /** The files of the configuration, as they are on disk. */
  readonly read: readonly FileRead[];
  readonly routes: Changes;
  readonly brokers: Changes;
  /** Other options that have changed: those that count from now on, and those that a restart would bring. */
  readonly applied: readonly string[];
  readonly needs_restart: readonly string[];
}

interface FileRead {
  readonly file: string;
  /** When its content was changed last; null where it isn't there. */
  readonly changed: string | null;
}

/** What a reload does; it throws before it has changed anything, and not after. */
type Reload = () => Promise<Omit<ReloadReport, 'reloaded' | 'reason' | 'read'>>;

/** Makes reloads come one after the other, and tells of each in the log. */
export class Reloader {
  readonly #reload: Reload;
  readonly #log: Logger;
  readonly #files: () => readonly string[];
  #last: Promise<unknown> = Promise.resolve();
  #report: { readonly at: number; readonly report: ReloadReport } | null = null;
  #next: Promise<ReloadReport> | undefined;
  #closed = false;

  /** @param files those of the configuration, as far as they are known */
  constructor(reload: Reload, log: Logger, files: () => readonly string[] = () => []) {
    this.#reload = reload;
    this.#log = log;
    this.#files = files;
  }

  /** What the last one came to, and when, in Unix milliseconds; null where there was none. */
  get report(): { readonly at: number; readonly report: ReloadReport } | null {
    return this.#report;
  }

  /** Never rejects. Whoever asks while one waits for its turn shares that: it will see all that there is to see. */
  request(): Promise<ReloadReport> {
    this.#next ??= this.#after(this.#last);
    this.#last = this.#next;
    return this.#next;
  }

  /** Resolves when none is under way; those that haven't begun are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  async #after(earlier: Promise<unknown>): Promise<ReloadReport> {
    await earlier;
    this.#next = undefined;
    const report = await this.#run();
    this.#report = { at: Date.now(), report };
    return report;
  }

  async #run(): Promise<ReloadReport> {
    if (this.#closed) return this.#refused('the daemon is stopping');
    try {
      const changes = await this.#reload();
      const report = { reloaded: true, reason: null, read: this.#read(), ...changes };
      this.#tell(report);
      return report;
    } catch (error) {
      const reason = reasonOf(error);
      if (this.#closed) this.#log.warn({ reason }, messages.reloadCutOff);
      else this.#log.error({ reason }, messages.notReloaded);
      return this.#refused(reason);
    }
  }

  #read(): FileRead[] {
    return this.#files().map((file) => ({ file, changed: changedAt(file) }));
  }

  #refused(reason: string): ReloadReport {
    const changes = { routes: none, brokers: none, applied: [], needs_restart: [] };
    return { reloaded: false, reason, read: this.#read(), ...changes };
  }

  #tell({ read, routes, brokers, applied, needs_restart }: ReloadReport): void {
    const { unchanged: _, ...changedRoutes } = routes;
    const { unchanged: __, ...changedBrokers } = brokers;
    this.#log.info({ read, routes: changedRoutes, brokers: changedBrokers, applied }, messages.reloaded);
    if (needs_restart.length > 0) {
      this.#log.warn({ options: needs_restart }, messages.needRestart);
    }
  }
}

const none: Changes = { added: [], replaced: [], removed: [], unchanged: [] };

export type RunConfig = LoadedConfig;

/** The running parts of the daemon and their configuration: a reload changes both. */
export interface Running {
  config: Config;
  /** Who may see the page. */
  readonly access: Access;
  /** The last one that could be used, with all that there is to say about it. */
  loaded: RunConfig;
  /** Those of the configuration, as far as they are known. */
  files: readonly string[];
  /** The operator's own among them, as they were read. */
  read: RunConfig['read'];
  readonly memory: MemoryBudget;
  readonly journal: Journal;
  readonly routes: Routes;
  readonly pipelines: IntakePipelines;
  readonly fileWatch: FileWatch;
  readonly log: Log;
  /** Aborts when a stop begins. */
  readonly stopping: AbortSignal;
  /** Aborts when a stop waits no longer for what is in flight. */
  readonly impatient: AbortSignal;
}

/** How messages are judged by a configuration. @throws SchemaError */
export function policyOf({ validation, routes }: Config): Parameters<IntakePipelines['use']>[0] {
  return { validator: createValidator(validation.schemas, validation.accept), reveals: createRevealedPaths(routes) };
}

/**
 * Applies a configuration to the running daemon: equal parts continue, changed ones are replaced when their work in
 * flight is done.
 * @throws before anything has changed, or when a stop interrupts it
 */
export async function applyReload(running: Running, next: RunConfig): ReturnType<Reload> {
  const { memory, journal, routes, pipelines, fileWatch, log, stopping, impatient } = running;
  running.files = next.files;
  running.read = next.read;
  const policy = policyOf(next.config);
  // Nothing is left that could be refused.
  const changed = differingOptions(optionsOf(running.config), optionsOf(next.config));
  const config = applicable(running.config, next.config);
  const needs_restart = differingOptions(optionsOf(config), optionsOf(next.config));
  running.config = config;
  running.loaded = next;
  running.access.use(config.http.access.users);
  pipelines.use(policy);
  memory.limit = config.memory.buffers;
  journal.limit(config.journal);
  setUsualLevel(log, config.log.level);
  fileWatch.watch(next.watched);
  const changedRoutes = await routes.replace(config.routes, stopping, impatient);
  const changedBrokers = await pipelines.replace(config, impatient);
  const applied = changed.filter((option) => !needs_restart.includes(option));
  return { routes: changedRoutes, brokers: changedBrokers, applied, needs_restart };
}

/** The options that a reload reports one by one; it reports brokers and routes separately. */
function optionsOf({ brokers, routes, ...options }: Config): object {
  return options;
}

/** The parts of a new configuration that take effect at once; those listed here keep their value until a restart. */
function applicable({ queue, journal, log, http }: Config, next: Config): Config {
  return {
    ...next,
    queue,
    journal: { ...next.journal, path: journal.path },
    log: { ...next.log, format: log.format },
    http: { ...http, access: next.http.access },
  };
}
