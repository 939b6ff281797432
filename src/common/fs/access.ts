import { constants, mkdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { access, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { codeOf } from '../errors.ts';
import { fileReasonOf } from './fs-errors.ts';

/**
 * Makes a folder, and its missing parents first. Node's `recursive` doesn't do: where the file system takes no folder
 * at all, as in /proc, it never returns.
 * @param mode permissions of each folder that is made
 * @throws Error with the obstacle
 */
export function makeFolder(path: string, mode: number): void {
  const missing: string[] = [];
  for (let folder = resolve(path); !isThere(folder); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) make(folder, mode);
}

function isThere(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (cause) {
    // Of what lies below a file the system says ENOTDIR; on the way up, the file itself comes next.
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(cause) ?? '')) {
      mustBeNoLink(path);
      return false;
    }
    throw new Error(`${path} can't be reached: ${fileReasonOf(cause)}`, { cause });
  }
  throw new Error(`${path} is not a folder`);
}

/** Nothing can be made in the place of a link. @throws Error where one is there, whose target isn't */
function mustBeNoLink(path: string): void {
  let target: string;
  try {
    target = readlinkSync(path);
  } catch {
    // It is no link, or nothing at all.
    return;
  }
  throw new Error(`${path} is a link to ${target}, which is not there`);
}

function make(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (cause) {
    const code = codeOf(cause);
    // Somebody else has created it meanwhile.
    if (code === 'EEXIST') return;
    // Its parent exists: it was checked, or made, just now.
    const reason = code === 'ENOENT' ? 'its file system takes none' : fileReasonOf(cause);
    throw new Error(`no folder can be made in ${dirname(folder)}: ${reason}`, { cause });
  }
}

/**
 * Says in a sentence whether a file can be written, or created if it is missing. Nothing is written or created.
 * @throws Error with the obstacle
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
