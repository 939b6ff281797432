import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalError } from './journal.ts';

export interface Lock {
  release(): void;
}

/**
 * Makes this process the only daemon on a journal folder. The lock is SQLite's own on a file beside the journal: the
 * kernel drops it with the process, however that ends, so there is never a stale one to remove.
 * @throws JournalError when another daemon has it
 */
export function acquireLock(folder: string): Lock {
  const database = new DatabaseSync(join(folder, 'daemon.lock'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new JournalError(
      `the journal ${folder} is in use by another kazoo-relay: stop that one, or give this one a journal.path of its own`,
      { cause },
    );
  }
  return { release: () => database.close() };
}
