import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { JournalError } from '../journal.ts';
import { JournalClock } from './clock.ts';
import { journalFailure } from './failure.ts';
import { JournalFiles } from './files.ts';
import type { Lock } from './lock.ts';

/** How the daemon reads and writes its database: what goes wrong says what an operator can do. */
export class Connection {
  readonly database: DatabaseSync;
  readonly file: string;
  readonly clock: JournalClock;
  readonly files: JournalFiles;

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
  transaction<T>(work: () => T): T {
    try {
      this.database.exec('BEGIN IMMEDIATE');
      const result = work();
      const isSigned = this.clock.write();
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

  /** @throws JournalError where what is written would be gone after the next start */
  mustBeInPlace(): void {
    const lost = this.files.look();
    if (lost !== null) throw new JournalError(lost);
  }
}
