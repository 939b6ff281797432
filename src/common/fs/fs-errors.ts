import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf, reasonOf } from '../errors.ts';

/** Why a file can't be read or written, for a message that names the file. */
export function fileReasonOf(error: unknown): string {
  const reason = fileReasons.get(codeOf(error)) ?? reasonOf(error);
  return isForbidden(error) ? `${reason} (${ownershipOf(error.path)})` : reason;
}

/** True for a refusal by permissions that names its path; `fileReasonOf` tells whose that is. */
export function isForbidden(error: unknown): error is Error & { readonly path: string } {
  const isRefusal = ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');
  return isRefusal && Error.isError(error) && 'path' in error && typeof error.path === 'string';
}

/** Why a folder can't be read, for a message that names the folder. */
export function folderReasonOf(error: unknown): string {
  return folderReasons.get(codeOf(error)) ?? fileReasonOf(error);
}

const fileReasons = new Map<string | undefined, string>([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'a part of its path is a file'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'it is not permitted'],
  ['ENXIO', 'it is a pipe that nobody reads, a socket, or a device that is away'],
  ['ELOOP', 'its links lead in a circle'],
  ['ENAMETOOLONG', 'a name in its path is too long'],
  ['EROFS', 'its file system is read-only'],
  ['ENOSPC', 'its disk is full'],
  ['EFBIG', 'it is larger than a file may be'],
  ['EIO', 'its disk fails (an input/output error)'],
  ['EPIPE', 'nobody reads it any more'],
  ['ESTALE', 'the server of its file system no longer knows it (a stale handle)'],
]);

const folderReasons = new Map<string | undefined, string>([
  ['ENOENT', 'there is no such folder'],
  ['ENOTDIR', 'it is a file, or a part of its path is'],
]);

/**
 * The owner of a place and our own user, for a message about missing permissions: as numbers, which the system goes by,
 * and which are all that a container has. If the place can't be seen, it is the nearest folder that can.
 */
export function ownershipOf(path: string): string {
  const [place, { uid, gid, mode }] = nearestVisible(resolve(path));
  const permissions = (mode & 0o7777).toString(8).padStart(4, '0');
  return `${place} is owned by ${uid}:${gid} with mode ${permissions}, this is ${process.geteuid?.()}:${process.getegid?.()}`;
}

function nearestVisible(path: string): [place: string, stats: Stats] {
  try {
    return [path, statSync(path)];
  } catch (error) {
    if (path === '/') throw error;
    return nearestVisible(dirname(path));
  }
}

/** Whether sudo can run a command as another user; a container has none, and sets `container`. */
export const hasSudo = (process.env.container ?? '') === '';

/** What to do for a command that needs the rights of the daemon. */
export const asDaemon = hasSudo
  ? 'use sudo, or the user that the daemon runs as'
  : 'use the user that the daemon runs as';
