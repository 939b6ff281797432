import { constants, fstatSync, openSync, write } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import { codeOf } from '../errors.ts';

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
    // It belongs to another user, as behind su.
    return terminal;
  }
}

/**
 * Writes what can be written of it, as soon as anything can; resolves to how many bytes that was.
 * @throws the system's error, or the signal's reason
 */
export async function writeSome(descriptor: number, bytes: Uint8Array, signal?: AbortSignal): Promise<number> {
  for (let pause = shortestPause; ; pause = Math.min(longestPause, pause * 2)) {
    try {
      return (await writeOnce(descriptor, bytes)).bytesWritten;
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
    }
    await delay(pause, undefined, signal === undefined ? {} : { signal });
  }
}

const writeOnce = promisify(write);

/**
 * Writes through a stream of Node, which the system wakes where the reader of a pipe has made room: looking for it again
 * and again costs more than the lines, and leaves the reader waiting. A stream that has failed is gone for good, though,
 * so that only a pipe or a socket has one.
 */
export function throughStream(stream: Writable): (bytes: Uint8Array) => Promise<number> {
  // The writer gets the error; without a listener, it would also end the process.
  stream.on('error', () => undefined);
  return (bytes) =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
}

/** Pauses between attempts to write to a slow reader, in milliseconds. */
const shortestPause = 1;
const longestPause = 50;
