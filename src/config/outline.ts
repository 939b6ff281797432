import type { Config, RouteConfig } from './config.ts';
import type { Path } from './diagnostics.ts';
import { readConfig } from './load.ts';

/**
 * What of a configuration says where the journal is and what routes want of it: enough for whoever opens no broker and
 * no sink.
 */
export interface Outline extends Pick<Config, 'journal' | 'validation'> {
  readonly routes: readonly RouteOutline[];
}

export interface RouteOutline extends Omit<RouteConfig, 'sink'> {
  readonly sink: Pick<RouteConfig['sink'], 'type'>;
}

/**
 * As `loadConfig`, for commands that ask the daemon or look into the journal. What is wrong with the rest is no matter
 * here: the shell of an operator lacks the variables and the secrets that systemd gives to the daemon.
 * @throws ConfigError
 */
export function loadOutline(file: string, env = process.env): Outline {
  return readConfig(file, { env }, isOutline).config;
}

/** All but these, so that a misspelt `journal` is refused as ever. */
const rest: readonly unknown[] = [
  'brokers',
  'queue',
  'intake',
  'http',
  'log',
  'shutdown',
] satisfies readonly (keyof Config)[];

function isOutline([first, , third]: Path): boolean {
  return first === 'routes' ? third !== 'sink' : !rest.includes(first);
}
