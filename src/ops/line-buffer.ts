import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../common/async/loop.ts';
import { writeSome } from '../common/fs/descriptor.ts';

/** How many bytes of lines wait for a reader that is slow, or a disk that is full; what comes beyond that is dropped. */
const most = 1024 * 1024;

/** How many bytes are written at once, unless one line has more. */
const atOnce = 64 * 1024;

/** For how long the end waits for the last lines to be written, in milliseconds. */
const patience = 1_000;

/**
 * Lines on their way to a descriptor that may fail or not be read: whoever writes one never waits and gets no error. One
 * write is under way at a time; what fails is tried again.
 */
export class LineBuffer {
  readonly #descriptor: number;
  readonly #tell: (dropped: number) => void;
  readonly #closing = new AbortController();
  #lines: Buffer[] = [];
  /** What is being written, and whether the system has it just now. */
  #rest = Buffer.alloc(0);
  #isUnderWay = false;
  #size = 0;
  #dropped = 0;
  #flowing: Promise<void> | undefined;

  /** @param tell is called with how many lines were dropped, once there is room to say so */
  constructor(descriptor: number, tell: (dropped: number) => void) {
    this.#descriptor = descriptor;
    this.#tell = tell;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#size + bytes.length > most) {
      this.#dropped += 1;
      return;
    }
    this.#lines.push(bytes);
    this.#size += bytes.length;
    this.#flowing ??= this.#flow();
  }

  /** Resolves when all is written, or after a second; the lines that are left then have one more try at the exit. */
  async close(): Promise<void> {
    await Promise.race([this.#flowing, delay(patience, undefined, { ref: false })]);
    this.#closing.abort();
    await this.#flowing;
  }

  /** Writes as much as can be written without waiting: for the exit, behind which nothing is done any more. */
  writeNow(): void {
    const rest = this.#isUnderWay ? [] : [this.#rest];
    try {
      for (const bytes of [...rest, ...this.#lines]) writeSync(this.#descriptor, bytes);
    } catch {
      // The process ends: nothing is left that could report it.
    }
    this.#lines = [];
  }

  async #flow(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(100, 1_000);
    while (!signal.aborted && (this.#rest.length > 0 || this.#lines.length > 0)) {
      if (this.#rest.length === 0) this.#rest = this.#next();
      try {
        this.#isUnderWay = true;
        const written = await writeSome(this.#descriptor, this.#rest, signal);
        this.#rest = this.#rest.subarray(written);
        this.#size -= written;
        backoff.reset();
      } catch {
        this.#isUnderWay = false;
        await backoff.pause(signal).catch(() => undefined);
      }
      this.#isUnderWay = false;
      if (this.#dropped > 0 && this.#size < most / 2) this.#tellDropped();
    }
    this.#flowing = undefined;
  }

  #next(): Buffer<ArrayBuffer> {
    let size = 0;
    const count = this.#lines.findIndex((line) => {
      size += line.length;
      return size > atOnce;
    });
    return Buffer.concat(this.#lines.splice(0, count === -1 ? this.#lines.length : Math.max(1, count)));
  }

  #tellDropped(): void {
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#tell(dropped);
  }
}
