import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { readLog } from './log.ts';

/** The pages of a database at one moment. They are numbered from 1. */
export interface Pages {
  /** Bytes of a page. */
  readonly size: number;
  /** The number of the last one. */
  readonly count: number;
  /** Null for one that isn't there. */
  read(number: number): Buffer | null;
}

/** A database file that may be damaged, with its write-ahead log. It is only read, and nothing in it is trusted. */
export interface PageFile {
  /** As SQLite would see it: the file, with the log over it. */
  readonly pages: Pages;
  /** Which of them come from the log; the others come from the file. */
  readonly inLog: ReadonlySet<number>;
  close(): void;
}

/** The page size of a journal without a readable header: SQLite's default, which is never changed. */
const defaultSize = 4_096;

export function openPages(file: string): PageFile {
  const main = existsSync(file) ? openSync(file, 'r') : null;
  const known = main === null ? null : pageSizeOf(main);
  const mainBytes = main === null ? 0 : fstatSync(main).size;
  const log = readLog(`${file}-wal`, known ?? defaultSize, mainBytes);
  const logFile = log === null ? null : openSync(`${file}-wal`, 'r');
  const size = known ?? log?.pageSize ?? defaultSize;
  const mainCount = Math.ceil(mainBytes / size);
  // A log with pages of another size can't be this file's.
  const { pages, pageCount } = log?.pageSize === size ? log : noLog;
  const last = highest(pages.keys(), mainCount);
  return {
    pages: {
      size,
      count: Math.min(pageCount ?? last, last),
      read: (number) => {
        const place = pages.get(number);
        if (place !== undefined) return readAt(logFile, place, size);
        return number >= 1 && number <= mainCount ? readAt(main, (number - 1) * size, size) : null;
      },
    },
    inLog: new Set(pages.keys()),
    close: () => {
      for (const descriptor of [main, logFile]) if (descriptor !== null) closeSync(descriptor);
    },
  };
}

function highest(numbers: Iterable<number>, least: number): number {
  let result = least;
  for (const number of numbers) result = Math.max(result, number);
  return result;
}

const noLog = { pages: new Map<number, number>(), pageCount: null };

/**
 * A database begins with "SQLite format 3\0"; then, at 16, comes the page size: a power of two, and 1 for 65,536. (The
 * byte at 20 says how many at the end of each page are left unused: none, in a journal.)
 */
const magic = 'SQLite format 3\0';
const sizeAt = 16;

function pageSizeOf(main: number): number | null {
  const header = Buffer.alloc(100);
  readSync(main, header, 0, header.length, 0);
  if (header.toString('latin1', 0, magic.length) !== magic) return null;
  const written = header.readUInt16BE(sizeAt);
  const size = written === 1 ? 65_536 : written;
  return size >= 512 && (size & (size - 1)) === 0 ? size : null;
}

/** A page that is cut off by the file's end has zeros there. */
function readAt(descriptor: number | null, position: number, size: number): Buffer | null {
  if (descriptor === null) return null;
  const page = Buffer.alloc(size);
  return readSync(descriptor, page, 0, size, position) > 0 ? page : null;
}
