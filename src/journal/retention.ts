import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';
import { dropOldBlocks } from './blocks.ts';
import { unlistInvalid } from './invalid.ts';
import type { Clock, Limits } from './journal.ts';

export const unlimited: Limits = {
  retention: Number.POSITIVE_INFINITY,
  deadRetention: Number.POSITIVE_INFINITY,
  maxSize: Number.POSITIVE_INFINITY,
};

/** What one step removes at most: a few milliseconds of work, between two commits of intake. */
const stepSize = 500;

/** Between steps while there is something to remove, and while there isn't, in milliseconds. */
const busyPause = 20;
const idlePause = 5_000;

/** Entries that were passed over because they weren't settled are looked at again after this time, in milliseconds. */
const lookAgainAfter = 600_000;

/** From this share of `maxSize` on, what is settled is removed whatever its age. */
const nearlyFull = 0.9;

/** Unused pages are given back to the file system when they are more than this, in bytes and as a share of the file. */
const slackBytes = 64 * 1024 * 1024;
const slackShare = 0.25;

/**
 * Removes from the journal what every route has settled, once it is old or the journal is nearly full. What is listed
 * as waiting, quarantined or dead stays; the latter two until they are older than `deadRetention`.
 */
export class Retention {
  readonly #database: DatabaseSync;
  #limits: Limits;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #transaction: <T>(work: () => T) => T;
  readonly #pages: StatementSync;
  readonly #candidates: StatementSync;
  /** The routes of the configuration: only they hold anything back. */
  readonly #routes = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #position = 0;
  #positionAt = performance.now();
  #failing = false;

  constructor(database: DatabaseSync, limits: Limits, clock: Clock, log: Logger, transaction: <T>(work: () => T) => T) {
    this.#database = database;
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#transaction = transaction;
    this.#pages = database.prepare(`
      SELECT page_count AS pages, freelist_count AS free, page_size AS size
      FROM pragma_page_count, pragma_freelist_count, pragma_page_size`);
    this.#candidates = database.prepare(`
      SELECT seq, received_at, EXISTS (
        SELECT 1 FROM deliveries d WHERE d.seq = n.seq
          AND (d.state <> 'waiting' OR d.route IN (SELECT value FROM json_each(?3)))) AS listed
      FROM notifications n
      WHERE seq > ?1 AND seq <= (SELECT min(cursor) FROM routes WHERE name IN (SELECT value FROM json_each(?3)))
      ORDER BY seq LIMIT ?2`);
    this.#schedule(busyPause);
  }

  /** From now on nothing is removed that this route hasn't settled. */
  holdFor(route: string): void {
    this.#routes.add(route);
  }

  /** It holds back nothing any more. */
  release(route: string): void {
    this.#routes.delete(route);
  }

  limit(limits: Limits): void {
    this.#limits = limits;
    this.#position = 0;
  }

  /** Bytes that are in use, of the file's own. */
  get usedBytes(): number {
    const { pages, free, size } = this.#pageCounts();
    return (pages - free) * size;
  }

  get full(): boolean {
    return this.usedBytes >= this.#limits.maxSize;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #schedule(pause: number): void {
    this.#timer = setTimeout(() => this.#schedule(this.#step() ? busyPause : idlePause), pause);
  }

  /** Returns true where there is more to do. */
  #step(): boolean {
    try {
      const removed = this.#transaction(() => this.#removeDead() + this.#removeSettled());
      const isSlack = this.#giveBack();
      this.#failing = false;
      return removed > 0 || isSlack;
    } catch (error) {
      if (!this.#failing) this.#log.error({ reason: reasonOf(error) }, 'nothing could be removed from the journal');
      this.#failing = true;
      return false;
    }
  }

  #removeDead(): number {
    const { deadRetention } = this.#limits;
    if (!Number.isFinite(deadRetention) || !this.#clock.isTrusted) return 0;
    const { changes } = this.#database
      .prepare(
        `DELETE FROM deliveries WHERE rowid IN (
           SELECT rowid FROM deliveries WHERE state <> 'waiting' AND updated_at < ? LIMIT ?)`,
      )
      .run(Date.now() - deadRetention, stepSize);
    return Number(changes);
  }

  #removeSettled(): number {
    if (performance.now() - this.#positionAt > lookAgainAfter) this.#position = 0;
    if (this.#position === 0) this.#positionAt = performance.now();
    const isFull = this.usedBytes >= this.#limits.maxSize * nearlyFull;
    const byAge = this.#clock.isTrusted ? Date.now() - this.#limits.retention : Number.NEGATIVE_INFINITY;
    const oldest = isFull ? Number.POSITIVE_INFINITY : byAge;
    const rows = this.#candidates.all(this.#position, stepSize, JSON.stringify([...this.#routes]));
    // Entries came in nearly in the order of time: behind the first that is young, none is old.
    const young = rows.findIndex((row) => Number(row.received_at) >= oldest);
    const old = young === -1 ? rows : rows.slice(0, young);
    const removable = old.filter((row) => row.listed === 0).map((row) => Number(row.seq));
    this.#remove(removable);
    this.#position = Number(old.at(-1)?.seq ?? this.#position);
    return old.length;
  }

  #remove(seqs: readonly number[]): void {
    if (seqs.length === 0) return;
    const list = JSON.stringify(seqs);
    for (const table of ['notifications', 'deliveries']) {
      this.#database.prepare(`DELETE FROM ${table} WHERE seq IN (SELECT value FROM json_each(?))`).run(list);
    }
    this.#database.prepare(unlistInvalid).run(list);
    dropOldBlocks(this.#database);
  }

  /** Makes the file smaller, a little at a time. Returns true where it could be smaller still. */
  #giveBack(): boolean {
    const { pages, free, size } = this.#pageCounts();
    if (free * size < slackBytes || free < pages * slackShare) return false;
    this.#database.exec('PRAGMA incremental_vacuum(1000)');
    return true;
  }

  #pageCounts(): { pages: number; free: number; size: number } {
    const row = this.#pages.get();
    return { pages: Number(row?.pages), free: Number(row?.free), size: Number(row?.size) };
  }
}
