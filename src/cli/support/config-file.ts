import { existsSync } from 'node:fs';
import { findConfigFile } from '../../config/read/find-file.ts';

/**
 * The configuration file to use, for a command whose exit code tells a configuration that is wrong from one that isn't
 * there.
 * @throws Error where it isn't there
 */
export function presentConfigFile(named: string | undefined, env: NodeJS.ProcessEnv): string {
  const file = findConfigFile(named, env);
  if (existsSync(file)) return file;
  throw new Error(`there is no file ${file}, or it may not be seen: name the configuration with --config`);
}
