import { codeOf, fileReasonOf, isSqliteError, reasonOf, sqliteCodeOf } from '../errors.ts';
import { JournalError } from './journal.ts';

/** SQLite's result codes for a file that makes no sense to it: SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaged = [11, 26];

export function isDamage(error: unknown): boolean {
  // What we wrote as JSON, and isn't any more, was overwritten where SQLite sees no harm.
  if (error instanceof SyntaxError) return true;
  if (sqliteCodeOf(error) === undefined) return false;
  // What SQLite takes for JSON is our own, too.
  return isSqliteError(error, damaged) || reasonOf(error) === 'malformed JSON';
}

/**
 * The error for an operator, of a journal that failed.
 * @param what couldn't be done with it: "written"
 */
export function journalFailure(file: string, what: string, cause: unknown): JournalError {
  if (cause instanceof JournalError) return cause;
  if (isDamage(cause)) return damagedJournal(file, reasonOf(cause), cause);
  return new JournalError(`the journal ${file} can't be ${what}: ${fileReasonOf(cause)}${hintFor(cause)}`, { cause });
}

/** What the system and SQLite (SQLITE_READONLY, SQLITE_CANTOPEN) say where the user may not write. */
const refusals = ['EACCES', 'EPERM', 'EROFS'];
const sqliteRefusals = [8, 14];

/** What an operator can do about it, where the cause is that the daemon's user may not write; else nothing. */
export function hintFor(cause: unknown): string {
  const isRefusal = refusals.includes(codeOf(cause) ?? '') || isSqliteError(cause, sqliteRefusals);
  return isRefusal ? "; the journal's folder and its files must be writable for the user that the daemon runs as" : '';
}

export function damagedJournal(file: string, reason: string, cause?: unknown): JournalError {
  return new JournalError(
    `the journal ${file} is damaged (${reason}): start the daemon with "kazoo-relay run --rebuild", which makes a new ` +
      'journal of what can be read, and keeps the damaged file beside it',
    { cause },
  );
}
