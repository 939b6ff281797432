import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Whom a place belongs to, and who we are, for a message about what isn't permitted: in numbers, by which the system decides,
 * and which are all that there is in a container. Where the place can't be seen, it is the nearest folder that can.
 */
export function ownershipOf(path: string): string {
  const [place, { uid, gid, mode }] = nearest(resolve(path));
  const permissions = (mode & 0o7777).toString(8).padStart(4, '0');
  return `${place} is owned by ${uid}:${gid} with mode ${permissions}, this is ${process.geteuid?.()}:${process.getegid?.()}`;
}

function nearest(path: string): [place: string, stats: Stats] {
  try {
    return [path, statSync(path)];
  } catch (error) {
    if (path === '/') throw error;
    return nearest(dirname(path));
  }
}

/** What lets a command be somebody else; nothing in a container, which has no sudo: there, `container` is set. */
export const hasSudo = (process.env.container ?? '') === '';

/** What to do for a command that needs the rights of the daemon. */
export const asDaemon = hasSudo
  ? 'use sudo, or the user that the daemon runs as'
  : 'use the user that the daemon runs as';
