import { constants, fstatSync, openSync, readFileSync, write, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { codeOf } from './errors.ts';

/**
 * A descriptor of what is at stdout (1) or stderr (2), on which a write never waits for a reader: where one is slow, the
 * system says EAGAIN. A write that waits would hold one of the four threads that also look up names and compress files,
 * and the exit would wait for that thread.
 */
export function withoutWaiting(standard: 1 | 2): number {
  // Opened anew, because the shell has the same terminal open and would find it changed. Ctrl-S stops a terminal.
  if (isatty(standard)) return reopened(standard);
  // Node makes a pipe or a socket so when its stream is made.
  if (!fstatSync(standard).isFile()) void (standard === 1 ? process.stdout : process.stderr);
  return standard;
}

function reopened(terminal: number): number {
  try {
    return openSync(`/proc/self/fd/${terminal}`, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch {
    // It belongs to somebody else, as it does behind su.
    return terminal;
  }
}

/** Writes what can be written, as soon as anything can; resolves to how many bytes that was. */
export type WriteSome = (bytes: Uint8Array, signal?: AbortSignal) => Promise<number>;

/**
 * Where the system says EAGAIN rather than wait, the bytes are written at once: the way over a thread and back takes twice
 * the CPU of a line. Elsewhere, such as on a disk, a thread waits.
 * @returns what fails with the system's error, or the signal's reason
 */
export function writerTo(descriptor: number): WriteSome {
  const write = neverWaits(descriptor)
    ? async (bytes: Uint8Array) => writeSync(descriptor, bytes)
    : async (bytes: Uint8Array) => (await writeInThread(descriptor, bytes)).bytesWritten;
  return async (bytes, signal) => {
    for (let pause = shortestPause; ; pause = Math.min(longestPause, pause * 2)) {
      try {
        return await write(bytes);
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') throw error;
      }
      await delay(pause, undefined, signal === undefined ? {} : { signal });
    }
  };
}

/** Linux alone tells; elsewhere a thread waits. */
function neverWaits(descriptor: number): boolean {
  try {
    const [, flags = ''] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')) ?? [];
    return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
  } catch {
    return false;
  }
}

const writeInThread = promisify(write);

/** Between looks whether a slow reader has made room, in milliseconds. */
const shortestPause = 1;
const longestPause = 50;
