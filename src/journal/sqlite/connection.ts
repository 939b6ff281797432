import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { JournalError } from '../journal.ts';
import { JournalClock } from './clock.ts';
import { journalFailure } from './damage.ts';
import { JournalFiles } from './files.ts';
import type { Lock } from './lock.ts';

/**
 * How a commit is written, as SQLite calls it. `FULL` waits for the disk, and for all that was committed before with it.
 * `NORMAL` doesn't: the end of this process can't undo it, and a power cut can.
 */
type Synchronous = 'FULL' | 'NORMAL';

/** How the daemon reads and writes its database: what goes wrong says what an operator can do. */
export class Connection {
  readonly database: DatabaseSync;
  readonly file: string;
  readonly clock: JournalClock;
  readonly files: JournalFiles;
  /** As the database was opened. */
  #synchronous: Synchronous = 'FULL';

  /** @param database that was read from already */
  constructor(database: DatabaseSync, file: string, lock: Lock, log: Logger) {
    this.database = database;
    this.file = file;
    this.clock = new JournalClock(database, log);
    this.files = new JournalFiles(file, lock, log);
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
      const isSigned = synchronous === 'FULL' && this.clock.write();
      this.mustBeInPlace();
      this.database.exec('COMMIT');
      if (isSigned) this.clock.written();
      return result;
    } catch (cause) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw journalFailure(this.file, 'written', cause, 'daemon');
    }
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
}
