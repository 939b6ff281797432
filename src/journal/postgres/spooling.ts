import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import type { Entry } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import type { Spool } from '../folder-journals.ts';
import type { Appender, Degraded, JournalError } from '../journal.ts';
import type { Drift } from '../reader.ts';
import { type AwayState, StoreAway } from './connection.ts';

/** For so long an append tries to reach the database, and between tries, in milliseconds. */
const patience = 1_000;
const tryEvery = 20;

/** How much is brought into the database at a time, at most: half as much where that has taken too long. */
const batchSize = 500;

/** While that doesn't go, it is tried again after so many milliseconds. */
const tryAgainAfter = 500;

/** The database, as whoever spools needs it. */
export interface SpoolTarget {
  readonly away: AwayState | null;
  /** @throws StoreAway, after which it may be there all the same: what comes again with its id falls out */
  append(batch: readonly Notification[]): Promise<readonly Entry[]>;
  /** Counts what was found in bodies that no schema has. */
  addDrift(found: readonly Drift[]): Promise<void>;
}

/**
 * Takes notifications into the database, or into the spool while that is away. Afterwards what is in the spool is brought
 * into the database under the same ids, in order, while intake goes on.
 */
export class SpoolingAppender implements Appender {
  readonly #target: SpoolTarget;
  readonly #spool: Spool;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  /** Since something was spooled, or the database was missing at the start; until something was appended, or it came. */
  #away: AwayState | null = null;
  /** Since when there may be something in the spool. */
  #since = Date.now();
  /** Why the database refuses what is in the spool, though it is there. */
  #stuck: string | null = null;
  #draining: Promise<void> | null = null;

  constructor(target: SpoolTarget, spool: Spool, log: Logger) {
    this.#target = target;
    this.#spool = spool;
    this.#log = log;
    this.#drain();
  }

  get degraded(): Degraded | null {
    const spooled = this.#spool.count;
    const away = this.#away ?? (this.#isLongAway ? this.#target.away : null);
    if (away !== null) return { state: 'away', since: away.since, reason: away.reason, spooled };
    if (spooled === 0) return null;
    const since = this.#since;
    if (this.#stuck !== null) return { state: 'refused', since, reason: this.#stuck, spooled };
    return { state: 'draining', since, reason: 'what came while it was away is brought into it', spooled };
  }

  /** The database can't be used: what comes in goes into the spool without a try, until it can. */
  isMissing({ message: reason }: JournalError): void {
    if (this.#away === null) {
      this.#since = this.#target.away?.since ?? Date.now();
      this.#log.warn({ reason }, messages.databaseAway);
    }
    this.#away = { since: this.#since, reason };
  }

  /** The database can be used again. */
  isBack(): void {
    if (this.#away === null) return;
    this.#away = null;
    this.#log.info({ spooled: this.#spool.count }, messages.databaseBack);
  }

  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    const start = performance.now();
    for (;;) {
      try {
        return await this.#appendNow(batch);
      } catch (error) {
        if (!(error instanceof StoreAway)) throw error;
        const isLong = this.#away !== null || this.#isLongAway || performance.now() - start >= patience;
        if (isLong) return this.#keep(batch, error);
      }
      await delay(tryEvery);
    }
  }

  get #isLongAway(): boolean {
    return this.#target.away !== null && Date.now() - this.#target.away.since >= patience;
  }

  /** What is still in the spool stays there, for the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#draining;
    await this.#spool.close();
  }

  async #appendNow(batch: readonly Notification[]): Promise<readonly Entry[]> {
    try {
      const fresh = await this.#target.append(batch);
      this.isBack();
      return fresh;
    } catch (error) {
      // It refuses that for another reason.
      if (!(error instanceof StoreAway)) this.isBack();
      throw error;
    }
  }

  async #keep(batch: readonly Notification[], failure: StoreAway): Promise<readonly Entry[]> {
    const kept = await this.#spool.append(batch);
    this.isMissing(failure);
    this.#drain();
    return kept;
  }

  #drain(): void {
    if (this.#draining !== null || this.#closing.signal.aborted || this.#spool.count === 0) return;
    this.#draining = this.#empty().finally(() => {
      this.#draining = null;
      this.#drain();
    });
  }

  async #empty(): Promise<void> {
    let [count, size] = [0, batchSize];
    while (this.#spool.count > 0 && !this.#closing.signal.aborted) {
      const start = performance.now();
      try {
        count += await this.#move(size);
        this.#stuck = null;
        size = Math.min(batchSize, size * 2);
        // What comes in now goes first.
        await this.#pause(performance.now() - start);
      } catch (error) {
        if (!(error instanceof StoreAway)) this.#tellStuck(reasonOf(error));
        size = Math.ceil(Math.min(size, this.#spool.count) / 2);
        await this.#pause(tryAgainAfter);
      }
    }
    if (count > 0) this.#log.info({ count }, messages.spoolMoved);
  }

  #tellStuck(cause: string): void {
    const reason = `what came while it was away can't be brought into it: ${cause}`;
    if (this.#stuck !== reason) this.#log.error({ reason, spooled: this.#spool.count }, messages.spoolRefused);
    this.#stuck = reason;
  }

  async #move(size: number): Promise<number> {
    const placed = this.#spool.read(size);
    await this.#appendNow(placed.map(({ notification }) => notification));
    // Where it ends before this, the next start appends them again, and they fall out.
    this.#spool.remove(placed);
    if (this.#spool.count === 0) {
      await this.#target.addDrift(this.#spool.unknownFields());
      await this.#spool.clear();
    }
    return placed.length;
  }

  #pause(milliseconds: number): Promise<void> {
    return delay(milliseconds, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}
