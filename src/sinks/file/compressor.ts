import { createHash } from 'node:crypto';
import { createReadStream, existsSync, type Stats } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import { createGunzip, createGzip } from 'node:zlib';
import type { Logger } from 'pino';
import { unlessAborted } from '../../common/async/abort.ts';
import { ExponentialBackoff, Wakeup } from '../../common/async/loop.ts';
import { codeOf, reasonOf } from '../../common/errors.ts';
import { statOf } from '../../common/fs/access.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { messages } from '../../common/messages.ts';
import { type RotatedFile, rotatedFiles, syncToDisk } from './rotated-files.ts';

interface CompressorOptions {
  readonly compress: 'none' | 'gzip';
  /** Permissions of what is compressed, in octal. */
  readonly mode: string;
}

/** Between tries, in milliseconds: each reads a whole file again, and on a full disk takes what is left of it meanwhile. */
const firstPause = 60_000;
const longestPause = 3_600_000;

/** Compresses rotated files beside the deliveries, which never wait for it. It never fails: it logs errors. */
export class Compressor {
  readonly #options: CompressorOptions;
  readonly #log: Logger;
  readonly #pauses: ExponentialBackoff;
  readonly #closing = new AbortController();
  readonly #wakeup = new Wakeup();
  #path = '';
  #running: Promise<void> | undefined;
  /** The obstacle that the log reported last; undefined if there is none. */
  #reported: Failure | undefined;

  /** @param pauses between tries of what could not be compressed */
  constructor(options: CompressorOptions, log: Logger, pauses = new ExponentialBackoff(firstPause, longestPause)) {
    this.#options = options;
    this.#log = log;
    this.#pauses = pauses;
  }

  /**
   * Returns at once. Every rotated file that is there now gets its try, after those that are having theirs; what fails,
   * more of them later.
   * @param path the file that is rotated
   */
  start(path: string): void {
    this.#path = path;
    this.#wakeup.ring();
    this.#running ??= this.#run();
  }

  /** Gives up the file that is being compressed, and leaves no trace of that; the next start begins it again. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wakeup.ring();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let pause = 0; ; ) {
      await this.#wakeup.heard(pause);
      const failures = signal.aborted ? [] : await this.#compressAll(this.#path);
      if (signal.aborted) return;
      this.#report(failures);
      const isDone = failures.length === 0;
      if (isDone) this.#pauses.reset();
      pause = isDone ? Number.POSITIVE_INFINITY : this.#pauses.next();
    }
  }

  async #compressAll(path: string): Promise<readonly Failure[]> {
    const failures: Failure[] = [];
    const failed = (what: string, error: unknown) => void failures.push({ path: what, reason: fileReasonOf(error) });
    try {
      for (const file of await rotatedFiles(path)) {
        try {
          await this.#compressOne(file);
        } catch (error) {
          if (this.#closing.signal.aborted) break;
          failed(file.path, error);
          // Any other one may be in trouble by itself; a disk that is full would be filled again by each.
          if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') break;
        }
      }
    } catch (error) {
      failed(path, error);
    }
    return failures;
  }

  async #compressOne({ path, forms }: RotatedFile): Promise<void> {
    const { compress, mode } = this.#options;
    const { signal } = this.#closing;
    // No other sink uses this path.
    if (forms.has('.gz.part')) await rm(`${path}.gz.part`, { force: true });
    if (compress === 'none' || !forms.has('')) return;
    await inTurn(() => compressFile(path, Number.parseInt(mode, 8), signal), signal);
  }

  /** Once for each thing that is in the way, however often it is tried. */
  #report([first, ...others]: readonly Failure[]): void {
    const reported = this.#reported;
    this.#reported = first;
    if (first === undefined) {
      if (reported !== undefined) this.#log.info(messages.compressedAgain);
    } else if (!isDeepStrictEqual(first, reported)) {
      this.#log.warn({ ...first, others: others.length }, messages.notCompressed);
    }
  }
}

interface Failure {
  readonly path: string;
  readonly reason: string;
}

let lastTurn: Promise<unknown> = Promise.resolve();

/**
 * One at a time in the whole process: each keeps a processor busy, and one of the few threads that all files share. At
 * midnight every route rotates.
 * @throws the signal's reason when it aborts before its turn has come
 */
async function inTurn(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const before = lastTurn;
  const { promise: done, resolve: end } = Promise.withResolvers<void>();
  // An aborted wait must not let the next one begin early.
  lastTurn = before.then(() => done);
  try {
    await unlessAborted(before, signal);
    await work();
  } finally {
    end();
  }
}

/**
 * Puts `NAME.gz` in the place of a file that is no longer written to, by way of `NAME.gz.part`. At every moment, also
 * after a power cut, either the file is there or all of it in `NAME.gz`. A file that is gone needs nothing.
 * @param mode permissions of the new file
 * @param signal gives it up
 * @throws Error that says what is in the way, or that it was given up; the file is as it was then
 */
async function compressFile(path: string, mode: number, signal: AbortSignal): Promise<void> {
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
