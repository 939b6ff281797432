import { createHash } from 'node:crypto';
import { createReadStream, existsSync, type Stats } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { reasonOf } from '../../common/errors.ts';
import { statOf } from '../../common/fs/access.ts';
import { syncToDisk } from './rotated-files.ts';

/**
 * Puts `NAME.gz` in the place of a file that is no longer written to, by way of `NAME.gz.part`. At every moment, also
 * after a power cut, either the file is there or all of it in `NAME.gz`. A file that is gone needs nothing.
 * @param mode permissions of the new file
 * @param signal gives it up
 * @throws Error that says what is in the way, or that it was given up; the file is as it was then
 */
export async function compressFile(path: string, mode: number, signal: AbortSignal): Promise<void> {
  const file = await statOf(path);
  if (file === undefined) return;
  if (!file.isFile()) throw new Error('it is not a regular file');
  if (existsSync(`${path}.gz`)) await verifyCompressed(`${path}.gz`, path, signal);
  else await compress(path, file, mode, signal);
  await syncToDisk(dirname(path));
  await rm(path, { force: true });
}

/** A crash may have come just before the file was removed. But the file may be another one, or incomplete. */
async function verifyCompressed(compressed: string, path: string, signal: AbortSignal): Promise<void> {
  const expected = await digestOf(path, [], signal);
  const found = await digestOf(compressed, [createGunzip()], signal).catch((cause) => {
    throw new Error(`${compressed} is in the way, and can't be read: ${reasonOf(cause)}`, { cause });
  });
  if (!found.equals(expected)) throw new Error(`${compressed} is in the way, and holds something else`);
  await syncToDisk(compressed);
}

async function digestOf(path: string, through: readonly Duplex[], signal: AbortSignal): Promise<Buffer> {
  const hash = createHash('sha256');
  await pipeline([createReadStream(path), ...through, hash], { signal });
  return hash.read();
}

async function compress(path: string, file: Stats, mode: number, signal: AbortSignal): Promise<void> {
  const part = `${path}.gz.part`;
  try {
    const bytesRead = await writeCompressed(path, part, file, mode, signal);
    // By a process that had opened it before it was rotated, such as a probe.
    if ((await statOf(path))?.size !== bytesRead) throw new Error('it was written to while it was compressed');
    if (existsSync(`${path}.gz`)) throw new Error(`${path}.gz has come into the way`);
    await rename(part, `${path}.gz`);
    // Removed by `keep` just now, when there was nothing compressed yet that would have gone with it.
    if ((await statOf(path)) === undefined) await rm(`${path}.gz`, { force: true });
  } catch (error) {
    // By `keep`, meanwhile.
    if ((await statOf(path)) !== undefined) throw error;
  } finally {
    await rm(part, { force: true });
  }
}

/** Resolves when it is on disk, with the number of bytes that were read. */
async function writeCompressed(
  path: string,
  part: string,
  { atime, mtime }: Stats,
  mode: number,
  signal: AbortSignal,
): Promise<number> {
  const target = await open(part, 'wx', mode);
  try {
    const source = createReadStream(path);
    const write = async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await target.appendFile(chunk);
    };
    await pipeline(source, createGzip(), write, { signal });
    // As gzip does: for tools that remove files by their age.
    await target.utimes(atime, mtime);
    await target.datasync();
    return source.bytesRead;
  } finally {
    await target.close();
  }
}
