import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { formatBytes } from '../../common/text/format.ts';
import { logLimit, patience, sizeOf } from './database.ts';

/** Unused pages are given back to the file system when they are more than this, in bytes and as a share of the file. */
const slackBytes = 64 * 1024 * 1024;
const slackShare = 0.25;

/** A reason holds for so many times as long as it took to find it: with millions of lines it isn't found with each try. */
const reasonHolds = 20;

const pageCounts = `
  SELECT page_count AS pages, freelist_count AS free, page_size AS size
  FROM pragma_page_count, pragma_freelist_count, pragma_page_size`;

/** The bytes of a journal that count towards its maximum size, for a single look. */
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
    this.#database.exec('PRAGMA incremental_vacuum(500)');
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

/** Something that keeps what the journal holds from being removed. */
interface Holder {
  /** About. */
  readonly bytes: number;
  /** The holder of the space, and what an operator can do about it. */
  readonly text: string;
}

/** So many rows are looked at to tell how large all are. */
const sample = 100;

/** As many are named at most; none that is smaller than this part of the largest. */
const named = 3;
const worthNaming = 0.25;

/**
 * What really holds the space of a journal that is full, the largest first.
 * @param routes those of the configuration
 * @param pinned bytes of the write-ahead log that a reader keeps from being used again
 */
function holdersOf(database: DatabaseSync, file: string, routes: Iterable<string>, pinned: number): string {
  const running = new Set(routes);
  const holders = [logHeld(file, pinned), ...linesHeld(database, running), ...lagsHeld(database, running)]
    .filter(({ bytes }) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes);
  const least = (holders[0]?.bytes ?? 0) * worthNaming;
  const texts = holders
    .filter(({ bytes }) => bytes >= least)
    .slice(0, named)
    .map(({ bytes, text }) => `about ${formatBytes(bytes)} by ${text}`);
  if (texts.length > 0) return `it is held ${texts.join('; ')}`;
  const empty = database.prepare('SELECT 1 FROM notifications LIMIT 1').get() === undefined;
  return empty ? 'it is empty, and takes more than that: raise journal.maxSize' : 'what is in it is being removed';
}

function logHeld(file: string, bytes: number): Holder {
  const text = `the write-ahead log, which a program that reads the journal pins: end that one ("fuser ${file}" names it)`;
  return { bytes, text };
}

/** What is listed. Waiting for a route that has left the configuration holds nothing. */
function linesHeld(database: DatabaseSync, running: ReadonlySet<string>): Holder[] {
  const groups = database.prepare('SELECT route, state, count(*) AS count FROM deliveries GROUP BY route, state').all();
  const bytesOf = sizing(database, 'SELECT seq FROM deliveries WHERE route = ? AND state = ?');
  return groups
    .filter(({ route, state }) => state !== 'waiting' || running.has(String(route)))
    .map(({ route, state, count }) => ({
      bytes: Number(count) * bytesOf(String(route), String(state)),
      text: lineText(String(route), String(state), Number(count)),
    }));
}

function lineText(route: string, state: string, count: number): string {
  switch (state) {
    case 'undecodable':
      return `${count} undecodable messages: "kazoo-relay dead list --group", then "dead drop"`;
    case 'waiting':
      return `${count} deliveries of the route ${route} that wait for another try: "kazoo-relay waiting list --group" says why`;
    case 'dead':
      return `${count} dead letters of the route ${route}: fix the cause, then "kazoo-relay dead retry", or "dead drop"`;
    default:
      return `${count} notifications that the route ${route} has quarantined: "kazoo-relay dead retry", or "dead drop"`;
  }
}

function lagsHeld(database: DatabaseSync, running: ReadonlySet<string>): Holder[] {
  const last = Number(database.prepare('SELECT max(seq) AS last FROM notifications').get()?.last);
  const first = Number(database.prepare('SELECT min(seq) AS first FROM notifications').get()?.first);
  const bytesOf = sizing(database, 'SELECT seq FROM notifications WHERE seq > ?');
  return database
    .prepare('SELECT name, cursor FROM routes')
    .all()
    .filter(({ name }) => running.has(String(name)))
    .map(({ name, cursor }) => {
      const count = Math.max(0, last - Math.max(Number(cursor), first - 1));
      const text = `the route ${name}, which is behind by ${count} notifications: repair its sink, or remove it from the configuration`;
      return { bytes: count === 0 ? 0 : count * bytesOf(Number(cursor)), text };
    });
}

/** The average of what rows take, of which a query gives the places. */
function sizing(database: DatabaseSync, places: string): (...values: (string | number)[]) => number {
  const average = database.prepare(`
    SELECT avg(octet_length(data) + ifnull(octet_length(raw), 0) + octet_length(head)) AS bytes FROM notifications
    WHERE seq IN (${places} LIMIT ${sample})`);
  return (...values) => Number(average.get(...values)?.bytes);
}
