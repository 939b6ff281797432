import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import { isSqliteError } from '../../common/sqlite.ts';
import { JournalError } from '../journal.ts';
import { hintFor } from './access.ts';

export interface Lock {
  /**
   * Takes it anew where its file was removed or replaced: another daemon could take it else.
   * @throws JournalError where one has done so
   */
  renew(log: Logger): void;
  release(): void;
}

/**
 * Makes this process the only daemon on a journal folder. The lock is SQLite's own on a file beside the journal: the
 * kernel drops it with the process, however that ends, so there is never a stale one to remove.
 * @throws JournalError when another daemon has it
 */
export function acquireLock(folder: string): Lock {
  return new FileLock(folder);
}

class FileLock implements Lock {
  readonly #folder: string;
  #held: Held;

  constructor(folder: string) {
    this.#folder = folder;
    this.#held = take(folder);
  }

  renew(log: Logger): void {
    const file = lockFile(this.#folder);
    if (isSame(identityOf(file), this.#held.identity)) return;
    const renewed = take(this.#folder);
    this.#held.database.close();
    this.#held = renewed;
    log.warn({ lock: file }, messages.lockReplaced);
  }

  release(): void {
    this.#held.database.close();
  }
}

interface Held {
  readonly database: DatabaseSync;
  readonly identity: Identity | null;
}

function take(folder: string): Held {
  const file = lockFile(folder);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return { database, identity: identityOf(file) };
  } catch (cause) {
    database?.close();
    if (!isSqliteError(cause, [busy]))
      throw new JournalError(`the lock ${file} can't be taken: ${reasonOf(cause)}${hintFor(cause, file, 'daemon')}`, {
        cause,
      });
    throw new JournalError(
      `the journal ${folder} is in use by another kazoo-relay: stop that one, or give this one a journal.path of its own`,
      { cause },
    );
  }
}

/** True where a daemon has the journal in a folder. */
export function isLocked(folder: string): boolean {
  try {
    using database = new DatabaseSync(lockFile(folder), { readOnly: true });
    database.prepare('PRAGMA user_version').get();
    return false;
  } catch (error) {
    return isSqliteError(error, [busy]);
  }
}

function lockFile(folder: string): string {
  return join(folder, 'daemon.lock');
}

/** SQLite's result code for a lock that another process has. */
const busy = 5;

/** Which file it is, whatever its name: while somebody has it open, no other one gets these numbers. */
export interface Identity {
  readonly device: number;
  readonly inode: number;
}

/** Null where nothing is there that can be reached. */
export function identityOf(path: string): Identity | null {
  try {
    const { dev: device, ino: inode } = statSync(path);
    return { device, inode };
  } catch {
    return null;
  }
}

export function isSame(one: Identity | null, other: Identity | null): boolean {
  return one !== null && one.device === other?.device && one.inode === other.inode;
}
