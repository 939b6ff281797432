import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import { codeOf, fileReasonOf } from '../errors.ts';
import { unlessAborted } from '../waiting.ts';
import { compressFile } from './compress-file.ts';
import { type RotatedFile, rotatedFiles } from './rotated-files.ts';

interface CompressorOptions {
  readonly compress: 'none' | 'gzip';
  /** Permissions of what is compressed, in octal. */
  readonly mode: string;
}

/** Compresses rotated files beside the deliveries, which never wait for it. It never fails: what is in the way is logged. */
export class Compressor {
  readonly #options: CompressorOptions;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  /** The file whose rotated ones are to be looked at; undefined where none are. */
  #due: string | undefined;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();

  constructor(options: CompressorOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /**
   * Returns at once. Every rotated file that is there now gets its try, after those that are having theirs.
   * @param path the file that is rotated
   */
  start(path: string): void {
    this.#due = path;
    if (!this.#isRunning) this.#run = this.#runWhileDue();
  }

  /** Gives up the file that is being compressed, and leaves no trace of that; the next start begins it again. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#run;
  }

  async #runWhileDue(): Promise<void> {
    this.#isRunning = true;
    for (let path = this.#due; path !== undefined && !this.#closing.signal.aborted; path = this.#due) {
      this.#due = undefined;
      await this.#compressAll(path);
    }
    this.#isRunning = false;
  }

  async #compressAll(path: string): Promise<void> {
    const failures: Failure[] = [];
    const failed = (what: string, error: unknown) => void failures.push({ path: what, reason: fileReasonOf(error) });
    try {
      for (const file of await rotatedFiles(path)) {
        try {
          await this.#seeTo(file);
        } catch (error) {
          if (this.#closing.signal.aborted) return;
          failed(file.path, error);
          // Any other one may be in trouble by itself; a disk that is full would be filled again by each.
          if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') break;
        }
      }
    } catch (error) {
      failed(path, error);
    }
    this.#tell(failures);
  }

  async #seeTo({ path, forms }: RotatedFile): Promise<void> {
    const { compress, mode } = this.#options;
    const { signal } = this.#closing;
    // Nobody else is at it: a path has one sink at a time.
    if (forms.has('.gz.part')) await rm(`${path}.gz.part`, { force: true });
    if (compress === 'none' || !forms.has('')) return;
    await inTurn(() => compressFile(path, Number.parseInt(mode, 8), signal), signal);
  }

  #tell([first, ...others]: readonly Failure[]): void {
    if (first === undefined) return;
    this.#log.warn(
      { ...first, others: others.length },
      'a rotated file could not be compressed; it is tried again at the next rotation',
    );
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
  // Whoever doesn't wait for its turn any longer gives nobody else theirs.
  lastTurn = before.then(() => done);
  try {
    await unlessAborted(before, signal);
    await work();
  } finally {
    end();
  }
}
