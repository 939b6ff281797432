import type { MemoryShare } from '../../common/memory-budget.ts';
import { bytesOf, type Entry } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import { JournalError } from '../journal.ts';
import type { Drift } from '../reader.ts';
import { type Appended, append } from './append.ts';
import type { AwayState, Database, Queryable } from './connection.ts';
import { noteDrift } from './drift.ts';
import { sqlStateOf } from './failure.ts';

/** The newest that were appended here are at hand for a server that turns out not to have them. */
const mostKept = 2_000;
const batchSize = 500;

interface Options {
  readonly database: Database;
  /** For what isn't intake's, and may take longer. */
  readonly aside: Queryable;
  readonly memory: MemoryShare;
  /** The number of this daemon. */
  readonly origin: number;
  /** Makes place for so many, where there is none. */
  readonly addRanges: (needed: number) => Promise<unknown>;
  readonly onAppended: (appended: Appended) => void;
}

/** What this daemon takes, into the database. */
export class DatabaseAppender {
  readonly #options: Options;
  #kept: Notification[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  get away(): AwayState | null {
    return this.#options.database.away;
  }

  /** @throws StoreAway, JournalError: it may be there all the same, and falls out when it comes again */
  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    const appended = await this.#append(batch);
    this.#keep(batch);
    this.#options.onAppended(appended);
    return appended.fresh;
  }

  async addDrift(found: readonly Drift[]): Promise<void> {
    await noteDrift(this.#options.aside, found);
  }

  /** What was appended lately; what the server has already falls out. Returns how many it hadn't. */
  async appendAgain(): Promise<number> {
    let count = 0;
    const kept = this.#kept;
    for (let first = 0; first < kept.length; first += batchSize) {
      const appended = await this.#append(kept.slice(first, first + batchSize));
      this.#options.onAppended(appended);
      count += appended.fresh.length;
    }
    return count;
  }

  async #append(batch: readonly Notification[]): Promise<Appended> {
    const { database, origin, addRanges } = this.#options;
    try {
      return await append(database, origin, batch);
    } catch (error) {
      if (!(error instanceof JournalError) || sqlStateOf(error.cause) !== noPartition) throw error;
    }
    // More came in at once than was expected of days; or a day's partition was made while rows were on their way to the default
    // one, which doesn't take them any more.
    await addRanges(batch.length);
    return append(database, origin, batch);
  }

  #keep(batch: readonly Notification[]): void {
    const { memory } = this.#options;
    for (const notification of batch) memory.take(bytesOf(notification));
    this.#kept.push(...batch);
    if (this.#kept.length <= mostKept && !memory.isFull) return;
    let dropped = 0;
    // Half of them at a time, so that moving the rest down is rare.
    for (const notification of this.#kept) {
      if (this.#kept.length - dropped <= mostKept / 2 && !memory.isFull) break;
      memory.giveBack(bytesOf(notification));
      dropped += 1;
    }
    this.#kept = this.#kept.slice(dropped);
  }
}

/** The SQLSTATE of a row for which there is no partition, or another one than there was. */
const noPartition = '23514';
