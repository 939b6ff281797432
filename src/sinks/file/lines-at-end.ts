import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import type { Logger } from 'pino';
import { codeOf } from '../../common/errors.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { messages } from '../../common/messages.ts';
import { rotatedFiles } from './rotated-files.ts';

/** How far back it is looked, whatever the files hold. */
interface Bounds {
  /**
   * A route saves its progress every 20 ms, and once a second so that a power cut can't undo it: hardly more can have been
   * written since.
   */
  readonly bytes: number;
  readonly lines: number;
  /** What is compressed must be read from its beginning. More bytes of it, or in it, are not. */
  readonly compressed: number;
  readonly unpacked: number;
}

const mebibyte = 1024 * 1024;
const usualBounds = { bytes: 32 * mebibyte, lines: 32 * 1024, compressed: 32 * mebibyte, unpacked: 256 * mebibyte };

/** The last lines that stand in a file and in those that were rotated from it: by the id in each, its checksum. */
export type LinesAtEnd = Map<string, number>;

/**
 * Reads them. What can't be read of the rotated files is logged, and ends the look.
 * @param path of the file itself, not of a link
 * @param signal gives it up
 */
export async function readLinesAtEnd(
  path: string,
  log: Logger,
  signal: AbortSignal,
  bounds: Bounds = usualBounds,
): Promise<LinesAtEnd> {
  const found: LinesAtEnd = new Map();
  const rotated = (await rotatedFiles(path)).map((file) => file.path);
  let left = bounds;
  for (const file of [path, ...rotated.reverse()]) {
    try {
      const { lines, bytes } = await endOf(file, left, signal);
      for (const { id, checksum } of lines.reverse()) if (!found.has(id)) found.set(id, checksum);
      left = { ...left, bytes: left.bytes - bytes, lines: left.lines - lines.length };
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn({ path: file, reason: fileReasonOf(error) }, messages.rotatedUnread);
      break;
    }
    if (left.bytes <= 0 || left.lines <= 0) break;
  }
  return found;
}

interface Line {
  readonly id: string;
  readonly checksum: number;
}

interface Part {
  readonly lines: Line[];
  /** Of these lines and of any others. */
  readonly bytes: number;
}

/** It may be compressed or removed meanwhile, and be there in both forms after a crash. */
async function endOf(path: string, bounds: Bounds, signal: AbortSignal): Promise<Part> {
  const lines = (chunks: AsyncIterable<Buffer>) => linesIn(chunks, bounds);
  await using plain = await openIfThere(path);
  if (plain !== undefined) {
    const start = Math.max(0, (await sizeOf(plain)) - bounds.bytes);
    return await pipeline(plain.createReadStream({ start, autoClose: false }), lines, { signal });
  }
  await using compressed = await openIfThere(`${path}.gz`);
  if (compressed === undefined) return { lines: [], bytes: 0 };
  if ((await sizeOf(compressed)) > bounds.compressed) throw new Error('it is too large to be unpacked for that');
  return await pipeline(compressed.createReadStream({ autoClose: false }), createGunzip(), lines, { signal });
}

/** Without O_NONBLOCK, opening a named pipe would wait for its writer. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function sizeOf(file: FileHandle): Promise<number> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error('it is not a regular file');
  return stats.size;
}

/** The last of those that begin as ours do. A line that has no end is none. Nothing is kept of a line but its beginning. */
async function linesIn(chunks: AsyncIterable<Buffer>, { lines: most, unpacked }: Bounds): Promise<Part> {
  let lines: Line[] = [];
  let bytes = 0;
  let [head, checksum] = ['', 0];
  const add = (part: Buffer) => {
    if (head.length < headLength) head += part.toString('latin1', 0, headLength - head.length);
    checksum = crc32(part, checksum);
  };
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > unpacked) throw new Error('it holds too much to be unpacked for that');
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      add(chunk.subarray(start, end));
      const id = /^\{"id":"([^"]+)"/.exec(head)?.[1];
      if (id !== undefined) lines.push({ id, checksum });
      [head, checksum] = ['', 0];
      start = end + 1;
    }
    add(chunk.subarray(start));
    if (lines.length > 2 * most) lines = lines.slice(-most);
  }
  return { lines: lines.slice(-most), bytes };
}

/** As much of a line as its id takes, which is a UUID. */
const headLength = 64;
