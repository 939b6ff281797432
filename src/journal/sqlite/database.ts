import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { codeOf, reasonOf } from '../../common/errors.ts';
import { makeFolder } from '../../common/fs/access.ts';
import { makeNamedFile } from '../../common/fs/named-file.ts';
import { JournalError } from '../journal.ts';
import { adviceFor, hintFor, type Party, refuseSharedFolder, userName } from './access.ts';
import { damagedJournal, journalFailure } from './failure.ts';
import { isLocked } from './lock.ts';
import { applicationId, migrate, newestVersion } from './migrate.ts';

/** Bytes to which the write-ahead log is shortened, once nobody reads in it. */
export const logLimit = 64 * 1024 * 1024;

/** Milliseconds for which a connection waits for others. */
export const patience = 5_000;

/** How every connection that writes does it. Rows that are removed are overwritten where that writes no further page. */
const safely = `PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${logLimit}; PRAGMA secure_delete = FAST`;

/**
 * Opens the journal's database for the daemon, brought to the newest version. The folder is made, for its owner only,
 * where it is missing.
 * @throws JournalError
 */
export function openDatabase(folder: string): DatabaseSync {
  return opening(folder, openFile, 'daemon');
}

/** Opens or makes a journal's database, brought to the newest version; one that is refused is left as it was. */
export function openFile(file: string): DatabaseSync {
  // SQLite gives its own files beside it the same permissions.
  makeNamedFile(file, 0o600);
  return looking(file, (version) => {
    const database = new DatabaseSync(file, { timeout: patience });
    try {
      // It can only be chosen for a file that is still empty; any other would be written to.
      if (version === 0) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
      migrate(database, file, version);
      database.exec(`PRAGMA journal_mode = WAL; ${safely}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Opens a journal's database for a command, beside a daemon or without one. It is never brought to another version: a
 * daemon of the old one may run, or be what the operator goes back to.
 * @throws JournalError
 */
export function openDatabaseBeside(folder: string, { readOnly = false } = {}): DatabaseSync {
  refuseMissing(folder);
  const open = (file: string) =>
    looking(file, (version) => {
      if (version !== newestVersion) throw otherVersion(folder, file, version);
      const database = new DatabaseSync(file, { readOnly, timeout: patience });
      if (!readOnly) database.exec(safely);
      return database;
    });
  return opening(folder, open, 'command');
}

/**
 * Does something with a file whose version was looked at. Meanwhile the look goes on: the last connection that closes
 * writes the write-ahead log into the file, and this one, which can't, is the last one of a file that is refused.
 */
function looking<T>(file: string, work: (version: number) => T): T {
  using look = new DatabaseSync(file, { readOnly: true, timeout: patience });
  return work(versionOf(look, file));
}

function otherVersion(folder: string, file: string, version: number): JournalError {
  return new JournalError(
    isLocked(folder)
      ? `the journal ${file} has version ${version}, and this command needs ${newestVersion}: the daemon that runs on it is older; ` +
          'restart it with this version, or use the command of its version'
      : `the journal ${file} has version ${version}, not ${newestVersion}: start the daemon once to bring it up to date`,
  );
}

/** What is wrong with a headless journal. */
export const headless = 'it is empty, but what was to be written to it is still there';

/**
 * True where the file is empty or gone while its write-ahead log is not: SQLite would throw that away without a word.
 */
export function isHeadless(file: string): boolean {
  return sizeOf(file) === 0 && sizeOf(`${file}-wal`) > 0;
}

function refuseMissing(folder: string): void {
  const path = resolve(folder);
  try {
    accessSync(databaseFile(path), constants.R_OK);
  } catch (cause) {
    throw new JournalError(
      codeOf(cause) === 'EACCES'
        ? `the journal in ${path} may not be read by ${userName()}: ${adviceFor(databaseFile(path))}`
        : `there is no journal in ${path}: has kazoo-relay run with this configuration yet?`,
      { cause },
    );
  }
}

/** @throws JournalError when the folder isn't there and can't be made, or others may write in it */
export function prepareFolder(folder: string): void {
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    const hint = hintFor(Error.isError(error) ? error.cause : undefined, folder, 'daemon');
    const message = `the journal's folder ${folder} can't be made: ${reasonOf(error)}${hint}`;
    throw new JournalError(message, { cause: error });
  }
  refuseSharedFolder(folder);
}

/** The file of the journal in a folder. */
export function databaseFile(folder: string): string {
  return join(folder, 'journal.sqlite');
}

function opening(folder: string, open: (file: string) => DatabaseSync, party: Party): DatabaseSync {
  const file = databaseFile(folder);
  if (isHeadless(file)) throw damagedJournal(file, headless);
  try {
    return open(file);
  } catch (cause) {
    throw journalFailure(file, 'opened', cause, party);
  }
}

/** @throws JournalError where the file isn't a journal, or a newer one */
export function versionOf(database: DatabaseSync, file: string): number {
  const version = pragma(database, 'user_version');
  const owner = pragma(database, 'application_id');
  if (isHeaderOverwritten(database)) throw damagedJournal(file, overwrittenHeader);
  if (owner !== applicationId && (owner !== 0 || version !== 0)) {
    throw new JournalError(`${file} is the database of another program: give kazoo-relay a journal.path of its own`);
  }
  if (version > newestVersion) {
    throw new JournalError(
      `the journal ${file} was written by a newer kazoo-relay (its version is ${version}, this one knows ${newestVersion}): ` +
        'run that version again, or give this one a new journal.path',
    );
  }
  return version;
}

/** The reason, if `isHeaderOverwritten` is true. */
export const overwrittenHeader = 'its header was overwritten';

/** True where a file with the tables of a journal says that it isn't one. */
export function isHeaderOverwritten(database: DatabaseSync): boolean {
  if (pragma(database, 'user_version') > 0 && pragma(database, 'application_id') === applicationId) return false;
  const row = database
    .prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name IN ('notifications', 'routes', 'deliveries')")
    .get();
  return row?.tables === 3;
}

function pragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return Number(row?.[name] ?? 0);
}

/** Bytes; 0 where there is no such file. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
