import { constants, type Stats } from 'node:fs';
import { access, realpath, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../errors.ts';
import { fileReasonOf } from './fs-errors.ts';
import { mustBeNoLink } from './make-folder.ts';

/**
 * Whether a file can be written to, or made where it isn't there, as a sentence about it. Nothing is written or made.
 * @throws Error that says what is in the way
 */
export async function accessTo(path: string): Promise<string> {
  const { R_OK, W_OK, X_OK } = constants;
  const file = await statOf(path);
  if (file !== undefined) {
    if (!file.isFile()) throw new Error(`${path} is not a regular file`);
    await mustAllow(path, R_OK | W_OK);
  }
  const folder = await existingFolder(dirname(file === undefined ? path : await realpath(path)));
  // Also where the file is there: it is rotated in its folder, or has files beside it.
  await mustAllow(folder, W_OK | X_OK);
  const { type, bavail, bsize } = await statfs(folder);
  if (kernels.has(type)) {
    throw new Error(`nothing can be made in ${folder}: its file system is the kernel's own`);
  }
  const gibibytes = ((bavail * bsize) / 2 ** 30).toFixed(1);
  return `${path} can be ${file === undefined ? 'made' : 'written'}; ${gibibytes} GiB are free there`;
}

/**
 * Types of file systems (`man 2 statfs`) that hold what the kernel tells, and nothing else; permissions say nothing of
 * that: /proc, /sys, and control groups of both versions.
 */
const kernels = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270]);

/** Undefined where nothing is there. @throws Error that names the path */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    // Below a file there is nothing either; the file itself is come upon on the way up.
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined;
    throw new Error(`${path} can't be reached: ${fileReasonOf(error)}`, { cause: error });
  }
}

/** The folder, or the one that it would be made in. */
async function existingFolder(path: string): Promise<string> {
  const folder = await statOf(path);
  if (folder === undefined) {
    mustBeNoLink(path);
    return existingFolder(dirname(path));
  }
  if (!folder.isDirectory()) throw new Error(`${path} is not a folder`);
  return path;
}

async function mustAllow(path: string, mode: number): Promise<void> {
  try {
    await access(path, mode);
  } catch (cause) {
    throw new Error(`${path} can't be written by this user: ${fileReasonOf(cause)}`, { cause });
  }
}
