import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, lutimesSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Gives all that a folder holds, and itself, this time, and modes that no umask has a part in. */
export function settle(path: string, epoch: number): void {
  const stats = lstatSync(path);
  if (stats.isDirectory()) for (const name of readdirSync(path)) settle(join(path, name), epoch);
  if (!stats.isSymbolicLink()) chmodSync(path, stats.isDirectory() || (stats.mode & 0o100) !== 0 ? 0o755 : 0o644);
  lutimesSync(path, epoch, epoch);
}

/** Packs a folder, under a name, into a .tar.gz that is the same wherever and whenever it is made. */
export function pack(folder: string, name: string, file: string, epoch: number): void {
  execFileSync('tar', [
    ...['--create', '--file', file, '--use-compress-program', 'gzip --no-name --best'],
    ...['--format', 'gnu', '--sort', 'name', '--mtime', `@${epoch}`, '--owner', '0', '--group', '0', '--numeric-owner'],
    ...['--directory', folder, '--transform', `s,^\\.,${name},S`, '.'],
  ]);
}
