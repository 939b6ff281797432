import { isUtf8 } from 'node:buffer';
import { closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { codeOf } from '../errors.ts';

interface Limits {
  /** Bytes; what is larger was not meant. */
  readonly largest?: number;
  /** True where it may be a pipe too, such as /dev/stdin or a shell's `<(…)`. Of those all can be had only once. */
  readonly pipe?: boolean;
  /** Milliseconds that the writer of a pipe may take to write all. */
  readonly patience?: number;
}

/** What a file holds, and its permissions. */
interface NamedText {
  readonly text: string;
  readonly mode: number;
}

/**
 * Reads a file that an operator has named, whatever is there: it waits for nothing but a pipe that somebody writes to,
 * and takes no more memory than a file may be large.
 * @throws Error whose `fileReasonOf` says what is in the way
 */
export function readNamedFile(path: string, limits: Limits = {}): Buffer {
  return read(path, limits).bytes;
}

/** As `readNamedFile`, for text in UTF-8; a byte order mark is left out. */
export function readNamedText(path: string, limits: Limits = {}): NamedText {
  const { bytes, mode } = read(path, limits);
  if (bytes.includes(0)) throw new Error('it is not UTF-8 text: it has NUL bytes, as UTF-16 has');
  if (!isUtf8(bytes)) throw new Error('it is not UTF-8 text');
  return { text: bytes.toString().replace(/^\uFEFF/, ''), mode };
}

/**
 * Makes a file that an operator has named, where it is missing.
 * @param mode its permissions
 * @throws Error whose `fileReasonOf` says what is in the way
 */
export function makeNamedFile(path: string, mode: number): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  // Without O_NONBLOCK, opening a named pipe would wait for its reader.
  closeSync(openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, mode));
}

function read(
  path: string,
  { largest = 1024 * 1024, pipe = false, patience = 10_000 }: Limits,
): { bytes: Buffer; mode: number } {
  const stats = statSync(path);
  const refusal = refusalOf(stats, pipe);
  if (refusal !== undefined) throw new Error(refusal);
  // Some devices do something when they are merely opened: hence the look before. A pipe may have come there since.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const next = stats.isFIFO() ? partsOfPipe(descriptor, patience) : () => partOf(descriptor);
    return { bytes: all(next, largest), mode: stats.mode };
  } finally {
    closeSync(descriptor);
  }
}

/** Why a file isn't even opened; undefined if it is. */
function refusalOf(stats: Stats, pipe: boolean): string | undefined {
  if (stats.isFile() || (pipe && stats.isFIFO())) return undefined;
  if (stats.isDirectory()) return 'it is a directory';
  const kind = stats.isFIFO() ? 'pipe' : stats.isSocket() ? 'socket' : 'device';
  return `it is a ${kind}, not a file`;
}

/** @param next gives no bytes at the end */
function all(next: () => Buffer, largest: number): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  for (let part = next(); part.length > 0; part = next()) {
    parts.push(part);
    size += part.length;
    // Not by the size that the system tells: the kernel's own files have none, and others may grow.
    if (size > largest) throw new Error(`it is larger than ${inUnits(largest)}`);
  }
  return Buffer.concat(parts);
}

function inUnits(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
}

function partOf(descriptor: number): Buffer {
  const part = Buffer.alloc(64 * 1024);
  return part.subarray(0, readSync(descriptor, part));
}

/** Milliseconds that somebody may take to begin writing to a pipe, and between two looks at it. */
const toBegin = 250;
const pause = 10;

function partsOfPipe(descriptor: number, patience: number): () => Buffer {
  const opened = performance.now();
  let isEmpty = true;
  return () => {
    for (;;) {
      const part = partIn(descriptor);
      const waited = performance.now() - opened;
      if (part !== undefined && (part.length > 0 || !isEmpty)) {
        isEmpty = false;
        return part;
      }
      // Whoever was waiting for a reader of a named pipe has not written yet.
      if (part !== undefined && waited > toBegin) {
        throw new Error("it is a pipe that nobody writes to; a shell's <(…) can be read once");
      }
      if (waited > patience) throw new Error(`it is a pipe whose writer has not ended within ${patience / 1_000} s`);
      Atomics.wait(clock, 0, 0, pause);
    }
  };
}

/** Nobody wakes us: this is how Node waits without giving way. */
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Undefined if there is no data yet. */
function partIn(descriptor: number): Buffer | undefined {
  try {
    return partOf(descriptor);
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return undefined;
    throw error;
  }
}
