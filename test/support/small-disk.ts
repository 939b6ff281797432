import { execFileSync } from 'node:child_process';

/** A file system of its own. */
export interface SmallDisk extends Disposable {
  /** @param size as `mount` takes it: `64m` */
  grow(size: string): void;
}

/** Mounts one of that size at a folder; undefined where this user may not. */
export function smallDisk(folder: string, size: string): SmallDisk | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'none', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return {
    grow: (larger) => void execFileSync('mount', ['-o', `remount,size=${larger}`, folder]),
    [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', folder]),
  };
}
