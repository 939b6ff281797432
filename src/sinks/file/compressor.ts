import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { unlessAborted } from '../../common/async/abort.ts';
import { ExponentialBackoff, Wakeup } from '../../common/async/loop.ts';
import { codeOf } from '../../common/errors.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { compressFile } from './compress-file.ts';
import { type RotatedFile, rotatedFiles } from './rotated-files.ts';

interface CompressorOptions {
  readonly compress: 'none' | 'gzip';
  /** Permissions of what is compressed, in octal. */
  readonly mode: string;
}

/** Between tries, in milliseconds: each reads a whole file again, and on a full disk takes what is left of it meanwhile. */
const firstPause = 60_000;
const longestPause = 3_600_000;

/** Compresses rotated files beside the deliveries, which never wait for it. It never fails: what is in the way is logged. */
export class Compressor {
  readonly #options: CompressorOptions;
  readonly #log: Logger;
  readonly #pauses: ExponentialBackoff;
  readonly #closing = new AbortController();
  readonly #wakeup = new Wakeup();
  #path = '';
  #running: Promise<void> | undefined;
  /** What the log said last of what is in the way; undefined where nothing is. */
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
      if (reported !== undefined) this.#log.info('rotated files are compressed again');
    } else if (!isDeepStrictEqual(first, reported)) {
      this.#log.warn(
        { ...first, others: others.length },
        'a rotated file could not be compressed; it is tried again from time to time',
      );
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
