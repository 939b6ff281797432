import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import { JournalError } from '../journal.ts';
import { JournalClock } from './clock.ts';
import type { Companion } from './companion.ts';
import { journalFailure } from './failure.ts';
import { JournalFiles } from './files.ts';
import type { Lock } from './lock.ts';

/**
 * How a commit is written, as SQLite calls it. `FULL` waits for the disk, and for all that was committed before with it.
 * `NORMAL` doesn't: the end of this process can't undo it, and a power cut can.
 */
type Synchronous = 'FULL' | 'NORMAL';

/** The daemon's access to its database. Its errors say what an operator can do. */
export class Connection {
  readonly database: DatabaseSync;
  readonly file: string;
  readonly clock: JournalClock;
  readonly files: JournalFiles;
  /** As the database was opened. */
  #synchronous: Synchronous = 'FULL';
  readonly #checkpoints: Checkpoints;
  readonly #companions: Companion[];

  /** @param database that was read from already */
  constructor(database: DatabaseSync, file: string, lock: Lock, log: Logger) {
    this.database = database;
    this.file = file;
    this.clock = new JournalClock(database, log);
    this.#companions = [this.clock];
    this.files = new JournalFiles(file, lock, log);
    this.#checkpoints = new Checkpoints(database, log);
  }

  /** @throws JournalError */
  async reading<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw journalFailure(this.file, 'read', cause, 'daemon');
    }
  }

  /** @throws JournalError, and nothing of the work is done */
  transaction<T>(work: () => T, synchronous: Synchronous = 'FULL'): T {
    try {
      this.#use(synchronous);
      this.database.exec('BEGIN IMMEDIATE');
      const result = work();
      // The end of this process can't undo them, but a power cut could.
      const due = synchronous === 'FULL' ? this.#companions.filter(({ isDue }) => isDue) : [];
      for (const companion of due) companion.write();
      this.mustBeInPlace();
      this.database.exec('COMMIT');
      for (const companion of due) companion.written();
      return result;
    } catch (cause) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw journalFailure(this.file, 'written', cause, 'daemon');
    }
  }

  /** From now on, its pending writes go with every transaction. */
  accompany(companion: Companion): void {
    this.#companions.push(companion);
  }

  /** Writes what companions have pending, if nothing else is being written. @throws JournalError */
  writeDue(): void {
    if (this.#companions.some(({ isDue }) => isDue)) this.transaction(() => undefined);
  }

  /**
   * Here, and not on a second connection: whenever one connection writes, the other throws away all pages that it has in
   * memory.
   */
  #use(synchronous: Synchronous): void {
    if (synchronous === this.#synchronous) return;
    this.database.exec(`PRAGMA synchronous = ${synchronous}`);
    this.#synchronous = synchronous;
  }

  /** @throws JournalError where what is written would be gone after the next start */
  mustBeInPlace(): void {
    const lost = this.files.look();
    if (lost !== null) throw new JournalError(lost);
  }

  /** Looks whether the files are in place, and the write-ahead log comes into the journal; the log is told where not. */
  look(): void {
    // A checkpoint writes too.
    if (this.files.look() === null) this.#checkpoints.look();
  }
}

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
    if (this.#failed === looksUntilTold) this.#log.warn({ reason }, messages.walGrows);
  }

  /** Why much is left in the log; null where it isn't. */
  #find(): string | null {
    try {
      if (this.#left('NOOP') < many || this.#left('PASSIVE') < many) return null;
      return 'a program has been reading the journal for long';
    } catch (error) {
      return reasonOf(error);
    }
  }

  #left(mode: 'NOOP' | 'PASSIVE'): number {
    const { log, checkpointed } = this.#database.prepare(`PRAGMA wal_checkpoint(${mode})`).get() ?? {};
    return Number(log) - Number(checkpointed);
  }

  #end(): number {
    if (this.#failed >= looksUntilTold) this.#log.info(messages.walShrinks);
    return 0;
  }
}
