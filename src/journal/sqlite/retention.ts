import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import type { Clock, Limits } from '../journal.ts';
import { type Attempt, triesIn } from '../route-session.ts';
import { removeOldActs } from './audit.ts';
import { dropOldBlocks } from './block-index.ts';
import { DeliveryLog, logRemoval } from './delivery-log.ts';
import { forgetDrift } from './drift.ts';
import { Eviction, mostBytes, mostRows, unlistInvalid } from './invalid.ts';
import { dropOldOutages } from './outages.ts';
import { dropOldSelections } from './selections.ts';
import { Space } from './space.ts';

export const unlimited: Limits = {
  retention: Number.POSITIVE_INFINITY,
  deadRetention: Number.POSITIVE_INFINITY,
  maxSize: Number.POSITIVE_INFINITY,
  invalidShare: 1,
};

/** Between rounds while there is something to remove, and while there isn't, in milliseconds. */
const busyPause = 10;
const idlePause = 5_000;

/** Entries that were passed over because they weren't settled are looked at again after this time, in milliseconds. */
const lookAgainAfter = 600_000;

/** From this share of `maxSize` on, what is settled is removed whatever its age. */
const nearlyFull = 0.9;

/**
 * The longest time that a step searches for removable entries, in milliseconds: it may have to skip many with records.
 */
const longestLook = 10;

/**
 * Removes from the journal what every route has settled, once it is old or the journal is nearly full. Waiting,
 * quarantined and dead deliveries stay, the latter two until they are older than `deadRetention`. Invalid notifications
 * have a share of their own: see Eviction.
 */
export class Retention {
  readonly #database: DatabaseSync;
  #limits: Limits;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #transaction: <T>(work: () => T) => T;
  readonly #space: Space;
  readonly #candidates: StatementSync;
  readonly #candidatesAmong: StatementSync;
  readonly #eviction: Eviction;
  readonly #deliveryLog: DeliveryLog;
  /** The routes of the configuration: only they hold anything back. True is one that delivers what is invalid. */
  readonly #routes = new Map<string, boolean>();
  /** Entries that were passed over, and have lost a record since. */
  #freed: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #position = 0;
  #positionAt = performance.now();
  #failing = false;
  #closed = false;
  /** What there is to do in a round, each in a turn of its own; they give whether there is more. */
  readonly #steps: readonly (() => boolean)[];

  constructor(
    database: DatabaseSync,
    file: string,
    limits: Limits,
    clock: Clock,
    log: Logger,
    transaction: <T>(work: () => T) => T,
  ) {
    this.#database = database;
    this.#space = new Space(database, file);
    this.#eviction = new Eviction(database, log);
    this.#deliveryLog = new DeliveryLog(database);
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#transaction = transaction;
    const candidates = `
      SELECT seq, received_at, octet_length(data) + ifnull(octet_length(raw), 0) AS bytes, EXISTS (
        SELECT 1 FROM deliveries d WHERE d.seq = n.seq
          AND (d.state <> 'waiting' OR d.route IN (SELECT value FROM json_each(?1)))) AS recorded
      FROM notifications n
      WHERE seq <= (SELECT min(cursor) FROM routes WHERE name IN (SELECT value FROM json_each(?1)))`;
    this.#candidates = database.prepare(`${candidates} AND seq > ?2 ORDER BY seq LIMIT ?3`);
    this.#candidatesAmong = database.prepare(`${candidates} AND seq IN (SELECT value FROM json_each(?2))`);
    this.#steps = [
      () => this.#evict(),
      () => this.#transaction(() => this.#removeDead()) > 0,
      () => this.#transaction(() => this.#removeSettled()) > 0,
      () => this.#transaction(() => this.#removeHistory()) > 0,
      () => this.#space.giveBack(),
    ];
    this.#schedule(busyPause);
  }

  /** From now on nothing is removed that this route hasn't settled. */
  holdFor(route: string, deliversInvalid: boolean): void {
    this.#routes.set(route, deliversInvalid);
  }

  /** It holds back nothing any more. */
  release(route: string): void {
    this.#routes.delete(route);
    this.lookAgain();
  }

  limit(limits: Limits): void {
    this.#limits = limits;
    this.lookAgain();
  }

  /** Anything that was passed over may be removable now. */
  lookAgain(): void {
    this.#position = 0;
    this.#hurry();
  }

  /** An entry has lost a record. */
  freed(seq: number): void {
    if (seq <= this.#position) this.#freed.push(seq);
  }

  /** Something undecodable or invalid was appended. */
  grown(): void {
    if (this.#eviction.bytes > this.#share) this.#hurry();
  }

  get full(): boolean {
    return this.#space.usedBytes >= this.#limits.maxSize;
  }

  /** Removes everything that can be removed now. Returns true if that made room. */
  makeRoom(): boolean {
    try {
      this.#space.shortenLog();
      for (const step of this.#steps) step();
      this.#failing = false;
    } catch (error) {
      this.#tellFailure(error);
    }
    return !this.full;
  }

  /** Why it is full, for an operator. */
  get reason(): string {
    return this.#space.reasonOf(this.#limits.maxSize, this.#routes.keys());
  }

  get #share(): number {
    return this.#limits.maxSize * this.#limits.invalidShare;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(pause: number): void {
    this.#timer = setTimeout(() => void this.#round(this.#timer), pause);
  }

  /** Between two steps intake may commit. A round that another one has taken the place of ends. */
  async #round(timer: NodeJS.Timeout | undefined): Promise<void> {
    let hasMore = false;
    try {
      this.#space.shortenLog();
      for (const step of this.#steps) {
        hasMore = step() || hasMore;
        await nextTurn();
        if (this.#closed || this.#timer !== timer) return;
      }
      this.#failing = false;
    } catch (error) {
      this.#tellFailure(error);
      hasMore = false;
    }
    this.#schedule(hasMore ? busyPause : idlePause);
  }

  #tellFailure(error: unknown): void {
    if (!this.#failing) this.#log.error({ reason: reasonOf(error) }, messages.nothingRemoved);
    this.#failing = true;
  }

  /** Looks at once, not only at the next time. */
  #hurry(): void {
    clearTimeout(this.#timer);
    this.#schedule(0);
  }

  /** Whatever the clock says. Returns true where there is more to do. */
  #evict(): boolean {
    const share = this.#share;
    const isOver = this.#eviction.bytes > share;
    const evicted = isOver ? this.#transaction(() => this.#remove(this.#eviction.next(share, this.#routes))) : 0;
    this.#eviction.tell(share);
    return evicted > 0;
  }

  #removeDead(): number {
    const { deadRetention } = this.#limits;
    if (!Number.isFinite(deadRetention) || !this.#clock.isTrusted) return 0;
    forgetDrift(this.#database, Date.now() - deadRetention);
    const removed = this.#database
      .prepare(
        `DELETE FROM deliveries WHERE rowid IN (
           SELECT rowid FROM deliveries WHERE state <> 'waiting' AND updated_at < ? LIMIT ?) RETURNING seq, route, attempts`,
      )
      .all(Date.now() - deadRetention, mostRows);
    for (const { seq, route, attempts } of removed) {
      const tries = triesIn(JSON.parse(String(attempts)) as Attempt[]); // as `Deliveries#record` wrote them
      logRemoval(this.#database, { route: String(route), seq: Number(seq), attempts: tries }, 'expired', null);
      this.freed(Number(seq));
    }
    return removed.length + removeOldActs(this.#database, Date.now() - deadRetention, mostRows);
  }

  #removeSettled(): number {
    if (performance.now() - this.#positionAt > lookAgainAfter) this.#position = 0;
    if (this.#position === 0) this.#positionAt = performance.now();
    const oldest = this.#isNearlyFull ? Number.POSITIVE_INFINITY : this.#oldest;
    const routes = JSON.stringify([...this.#routes.keys()]);
    const isOld = (row: Record<string, unknown>) => Number(row.received_at) < oldest;
    const freed = this.#freed.splice(0, mostRows);
    if (freed.length > 0) {
      const rows = this.#candidatesAmong.all(routes, JSON.stringify(freed)).filter(isOld);
      const portion = portionOf(rows, mostBytes);
      this.#freed.push(...rows.slice(portion.length).map(({ seq }) => Number(seq)));
      const removed = this.#remove(removable(portion));
      if (removed > 0) return removed;
    }
    const until = performance.now() + longestLook;
    let looked = 0;
    let bytes = mostBytes;
    for (let removed = 0; removed < mostRows && bytes > 0 && performance.now() < until; ) {
      const rows = this.#candidates.all(routes, this.#position, mostRows - removed);
      // Entries came in nearly in the order of time: behind the first that is young, none is old.
      const young = rows.findIndex((row) => !isOld(row));
      const old = portionOf(young === -1 ? rows : rows.slice(0, young), bytes);
      if (old.length === 0) break;
      removed += this.#remove(removable(old));
      bytes -= bytesOf(old);
      looked += old.length;
      this.#position = Number(old.at(-1)?.seq);
    }
    return looked + this.#freed.length;
  }

  /** Removes the history of deliveries by its age; and with its entries, if the journal is nearly full. */
  #removeHistory(): number {
    const oldest = this.#oldest;
    const isFull = this.#isNearlyFull;
    dropOldOutages(this.#database, oldest);
    return this.#deliveryLog.trim(({ at, last }) => at < oldest || (isFull && last <= this.#position));
  }

  get #isNearlyFull(): boolean {
    return this.#space.ownBytes >= this.#limits.maxSize * nearlyFull;
  }

  /** What is older may go, in Unix milliseconds; nothing while the clock is in doubt. */
  get #oldest(): number {
    return this.#clock.isTrusted ? Date.now() - this.#limits.retention : Number.NEGATIVE_INFINITY;
  }

  /** Returns how many there were. */
  #remove(seqs: readonly number[]): number {
    if (seqs.length > 0) removeEntries(this.#database, seqs);
    return seqs.length;
  }
}

/** Removes entries and all that tells of them, within the caller's transaction. */
export function removeEntries(database: DatabaseSync, seqs: readonly number[]): void {
  const list = JSON.stringify(seqs);
  for (const table of ['notifications', 'deliveries', 'redeliveries']) {
    database.prepare(`DELETE FROM ${table} WHERE seq IN (SELECT value FROM json_each(?))`).run(list);
  }
  database.prepare(unlistInvalid).run(list);
  dropOldBlocks(database);
  dropOldSelections(database);
}

type Row = Readonly<Record<string, unknown>>;

/** As many of the first rows as what may be removed of them has so many bytes, and one that goes beyond. */
function portionOf(rows: readonly Row[], bytes: number): readonly Row[] {
  let left = bytes;
  const end = rows.findIndex((row) => {
    const isFull = left <= 0;
    left -= bytesOf([row]);
    return isFull;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, { recorded, bytes }) => sum + (recorded === 0 ? Number(bytes) : 0), 0);
}

function removable(rows: readonly Row[]): number[] {
  return rows.filter(({ recorded }) => recorded === 0).map(({ seq }) => Number(seq));
}
