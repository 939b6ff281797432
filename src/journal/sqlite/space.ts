import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { formatBytes } from '../../common/text/format.ts';
import { logLimit, patience, sizeOf } from './database.ts';
import { holdersOf } from './holders.ts';

/** Unused pages are given back to the file system when they are more than this, in bytes and as a share of the file. */
const slackBytes = 64 * 1024 * 1024;
const slackShare = 0.25;

/** A reason holds for so many times as long as it took to find it: with millions of lines it isn't found with each try. */
const reasonHolds = 20;

const pageCounts = `
  SELECT page_count AS pages, freelist_count AS free, page_size AS size
  FROM pragma_page_count, pragma_freelist_count, pragma_page_size`;

/** What counts of a journal towards its largest size, in bytes, for whoever looks at it once. */
export function usedBytes(database: DatabaseSync, file: string): number {
  return usedBytesOf(database.prepare(pageCounts)) + beyondLimit(file);
}

/** The room that a journal takes on disk. */
export class Space {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #pages: StatementSync;
  /** Bytes of the write-ahead log beyond what it may have. */
  #pinned = 0;
  #reason = { text: '', until: Number.NEGATIVE_INFINITY };

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#pages = database.prepare(pageCounts);
  }

  /** Bytes of the file's own that are in use: what removing makes less. */
  get ownBytes(): number {
    return usedBytesOf(this.#pages);
  }

  /** These, and those of the log that a reader keeps from being used again. */
  get usedBytes(): number {
    return this.ownBytes + this.#pinned;
  }

  /** Why it is full, for an operator. @param routes those of the configuration */
  reasonOf(maxSize: number, routes: Iterable<string>): string {
    const start = performance.now();
    if (start > this.#reason.until) {
      const held = holdersOf(this.#database, this.#file, routes, this.#pinned);
      const text = `the journal has reached journal.maxSize (${formatBytes(maxSize)}): ${held}`;
      const end = performance.now();
      this.#reason = { text, until: end + (end - start) * reasonHolds };
    }
    return this.#reason.text;
  }

  /**
   * After a reader that was long in it, SQLite would shorten the write-ahead log with the next commit, for which there may
   * be no room. Who still reads isn't waited for.
   */
  shortenLog(): void {
    this.#pinned = beyondLimit(this.#file);
    if (this.#pinned === 0) return;
    this.#database.exec('PRAGMA busy_timeout = 0');
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${patience}`);
    }
    this.#pinned = beyondLimit(this.#file);
  }

  /** Makes the file smaller, a little at a time. Returns true where it could be smaller still. */
  giveBack(): boolean {
    const { pages, free, size } = countsIn(this.#pages);
    if (free * size < slackBytes || free < pages * slackShare) return false;
    this.#database.exec('PRAGMA incremental_vacuum(1000)');
    return true;
  }
}

function usedBytesOf(pages: StatementSync): number {
  const { pages: all, free, size } = countsIn(pages);
  return (all - free) * size;
}

function countsIn(pages: StatementSync): { pages: number; free: number; size: number } {
  const row = pages.get();
  return { pages: Number(row?.pages), free: Number(row?.free), size: Number(row?.size) };
}

/** Bytes of the write-ahead log beyond what it may have. */
function beyondLimit(file: string): number {
  return Math.max(0, sizeOf(`${file}-wal`) - logLimit);
}
