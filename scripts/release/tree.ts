import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Arch, archs } from './arch.ts';
import { settle } from './files.ts';

/** Makes `folder`: all that an installation consists of. */
export function makeTree(root: string, folder: string, epoch: number, arch: Arch): string {
  execFileSync(join(root, 'deploy/release.sh'), ['--tree', folder, archs[arch].cpu], { stdio: ['ignore', 2, 2] });
  settle(folder, epoch);
  return folder;
}
