import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';

/** Pages of the write-ahead log that are not in the file yet: SQLite begins to bring them there at 1,000. */
const many = 4_000;

/** So many looks in a row must find it so before it is told: a checkpoint may be in the middle of its work. */
const looksUntilTold = 5;

/** SQLite brings its write-ahead log into the file with a commit, and says nothing where that fails: the log grows then. */
export class Checkpoints {
  readonly #database: DatabaseSync;
  readonly #log: Logger;
  #failed = 0;

  constructor(database: DatabaseSync, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  look(): void {
    const reason = this.#find();
    this.#failed = reason === null ? this.#end() : this.#failed + 1;
    if (this.#failed === looksUntilTold)
      this.#log.warn({ reason }, 'the write-ahead log can not be brought into the journal, and grows');
  }

  /** Why much is left in the log; null where it isn't. */
  #find(): string | null {
    try {
      if (this.#left('NOOP') < many || this.#left('PASSIVE') < many) return null;
      return 'somebody has been reading the journal for long';
    } catch (error) {
      return reasonOf(error);
    }
  }

  #left(mode: 'NOOP' | 'PASSIVE'): number {
    const { log, checkpointed } = this.#database.prepare(`PRAGMA wal_checkpoint(${mode})`).get() ?? {};
    return Number(log) - Number(checkpointed);
  }

  #end(): number {
    if (this.#failed >= looksUntilTold) this.#log.info('the write-ahead log is brought into the journal again');
    return 0;
  }
}
