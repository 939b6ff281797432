import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { settle } from './files.ts';

/** Makes `folder`: all that an installation consists of. */
export function makeTree(root: string, folder: string, epoch: number): string {
  execFileSync(join(root, 'deploy/release.sh'), ['--tree', folder], { stdio: ['ignore', 2, 2] });
  settle(folder, epoch);
  return folder;
}
