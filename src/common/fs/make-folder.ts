import { mkdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf } from '../errors.ts';
import { fileReasonOf } from './fs-errors.ts';

/**
 * Makes a folder where it is missing, and before it those that it lies in, from the first that is missing on. Not by
 * Node's `recursive`: where the system takes no folder at all, as in /proc, that never returns.
 * @param mode permissions of each that is made
 * @throws Error that names what is in the way
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
export function mustBeNoLink(path: string): void {
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
    // Somebody else has made it meanwhile.
    if (code === 'EEXIST') return;
    // What it is made in is there: it was looked at, or made, just now.
    const reason = code === 'ENOENT' ? 'its file system takes none' : fileReasonOf(cause);
    throw new Error(`no folder can be made in ${dirname(folder)}: ${reason}`, { cause });
  }
}
