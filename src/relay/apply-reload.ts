import type { Config } from '../config/config.ts';
import type { Loaded } from '../config/load.ts';
import type { Journal } from '../journal/journal.ts';
import { type Log, setUsualLevel } from '../ops/log.ts';
import { createRevealedPaths } from '../routes/match.ts';
import { createValidator } from '../schema/validator.ts';
import { differingOptions } from './changes.ts';
import type { FileWatch } from './file-watch.ts';
import type { IntakePipelines } from './intake-pipelines.ts';
import type { Reload } from './reloader.ts';
import type { Routes } from './routes.ts';

export type LoadedConfig = Pick<Loaded, 'config' | 'files' | 'watched'>;

/** All that runs, and what it is made from: a reload changes both. */
export interface Running {
  config: Config;
  /** Those of the configuration, as far as they are known. */
  files: readonly string[];
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
  return { validator: createValidator(validation.schemas), reveals: createRevealedPaths(routes) };
}

/**
 * Makes what runs be what a configuration says: what is as it was runs on untouched, what has changed is replaced once
 * its work in flight is done.
 * @throws before it has changed anything, or what a stop cuts off
 */
export async function applyReload(running: Running, next: LoadedConfig): ReturnType<Reload> {
  const { journal, routes, pipelines, fileWatch, log, stopping, impatient } = running;
  running.files = next.files;
  const policy = policyOf(next.config);
  // Nothing is left that could be refused.
  const changed = differingOptions(optionsOf(running.config), optionsOf(next.config));
  const config = applicable(running.config, next.config);
  const needs_restart = differingOptions(optionsOf(config), optionsOf(next.config));
  running.config = config;
  pipelines.use(policy);
  journal.limit(config.journal);
  setUsualLevel(log, config.log.level);
  fileWatch.watch(next.watched);
  const changedRoutes = await routes.replace(config.routes, stopping, impatient);
  const changedBrokers = await pipelines.replace(config, impatient);
  const applied = changed.filter((option) => !needs_restart.includes(option));
  return { routes: changedRoutes, brokers: changedBrokers, applied, needs_restart };
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
