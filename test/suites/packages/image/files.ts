import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Where engines mount something of their own, while it runs or is built. */
const mountPoints = /^(proc|dev|run|sys)(\/|$)|^etc\/(hosts|hostname|resolv\.conf|mtab)$|^\.dockerenv$/;

/** All that a folder holds, one a line. */
export function listOf(root: string): string[] {
  const paths = pathsIn(root).filter((path) => !mountPoints.test(path));
  return paths.map((path) => {
    const stats = lstatSync(join(root, path));
    return [path, stats.mode.toString(8), stats.uid, stats.gid, contentOf(join(root, path))].join(' ');
  });
}

function contentOf(path: string): string {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return readlinkSync(path);
  return stats.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
}

export function filesIn(root: string): string[] {
  return pathsIn(root).filter((path) => lstatSync(join(root, path)).isFile());
}

/** Through no symbolic link. */
export function pathsIn(root: string): string[] {
  const found = execFileSync('find', [root, '-mindepth', '1', '-printf', '%P\\n'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return found.trim().split('\n').sort();
}

export function startOf(file: string): string {
  const descriptor = openSync(file, 'r');
  const bytes = Buffer.alloc(4);
  const read = readSync(descriptor, bytes);
  closeSync(descriptor);
  return bytes.subarray(0, read).toString('latin1');
}
