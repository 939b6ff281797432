import { execFileSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a folder of tools/ names, which is too large for each clone: installed into a folder, when it is first asked for there.
 * @returns its folder, with node_modules
 */
export function installTool(name: string, folder: string): string {
  const own = join(folder, name);
  if (existsSync(join(own, 'node_modules'))) return own;
  cpSync(join('tools', name), own, { recursive: true });
  execFileSync('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--loglevel=error'], {
    cwd: own,
    stdio: ['ignore', 2, 2],
  });
  return own;
}
