import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { codeOf, reasonOf } from '../errors.ts';
import { makeNamedFile } from '../file.ts';
import { makeFolder } from '../folder.ts';
import { adviceFor, hintFor, type Party, userName } from './access.ts';
import { damagedJournal, journalFailure } from './damage.ts';
import { JournalError } from './journal.ts';
import { migrations } from './migrations.ts';

/** SQLite's `application_id` of a journal: "kzrl" in ASCII. */
const applicationId = 0x6b7a726c;

/**
 * Opens the journal's database for writing, brought to the newest version. The folder is made, for its owner only,
 * where it is missing.
 * @param mustExist for a command, which makes no journal
 * @throws JournalError
 */
export function openDatabase(folder: string, { mustExist = false } = {}): DatabaseSync {
  if (mustExist) refuseMissing(folder);
  return opening(folder, openFile, mustExist ? 'command' : 'daemon');
}

/** Opens or makes a journal's database, brought to the newest version. */
export function openFile(file: string): DatabaseSync {
  // SQLite gives its own files beside it the same permissions.
  makeNamedFile(file, 0o600);
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    versionOf(database, file);
    // auto_vacuum comes first: it can only be chosen for a file that is still empty.
    database.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
    migrate(database, file);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What is wrong with a headless journal. */
export const headless = 'it is empty, but what was to be written to it is still there';

/**
 * True where the file is empty or gone while its write-ahead log is not: SQLite would throw that away without a word.
 */
export function isHeadless(file: string): boolean {
  return sizeOf(file) === 0 && sizeOf(`${file}-wal`) > 0;
}

/** Opens it for reading, beside a daemon or without one. */
export function openDatabaseReadOnly(folder: string): DatabaseSync {
  refuseMissing(folder);
  const open = (file: string) => {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    const version = versionOf(database, file);
    if (version === migrations.length) return database;
    throw new JournalError(
      `the journal ${file} has version ${version}, not ${migrations.length}: start the daemon once to bring it up to date`,
    );
  };
  return opening(folder, open, 'command');
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

/** @throws JournalError when the folder isn't there and can't be made */
export function prepareFolder(folder: string): void {
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    const hint = hintFor(Error.isError(error) ? error.cause : undefined, folder, 'daemon');
    const message = `the journal's folder ${folder} can't be made: ${reasonOf(error)}${hint}`;
    throw new JournalError(message, { cause: error });
  }
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

function migrate(database: DatabaseSync, file: string): void {
  for (let version = versionOf(database, file); version < migrations.length; version += 1) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[version]}
      PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1}; COMMIT`);
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
  if (version > migrations.length) {
    throw new JournalError(
      `the journal ${file} was written by a newer kazoo-relay (its version is ${version}, this one knows ${migrations.length}): ` +
        'run that version again, or give this one a new journal.path',
    );
  }
  return version;
}

/** What is wrong where `isHeaderOverwritten` says so. */
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
