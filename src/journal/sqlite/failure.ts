import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, reasonOf } from '../../common/errors.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { isSqliteError, sqliteCodeOf } from '../../common/sqlite.ts';
import { JournalError } from '../journal.ts';
import { hintFor, type Party } from './access.ts';

/**
 * The error for an operator, of a journal that failed.
 * @param what couldn't be done with it: "written"
 */
export function journalFailure(file: string, what: string, cause: unknown, party: Party): JournalError {
  if (cause instanceof JournalError) return cause;
  if (isDamage(cause)) return damagedJournal(file, reasonOf(cause), cause);
  const refusal = party === 'daemon' ? refusalBeside(file, cause) : undefined;
  const reason = refusal ?? `${fileReasonOf(cause)}${hintFor(cause, file, party)}`;
  return new JournalError(`the journal ${file} can't be ${what}: ${reason}`, { cause });
}

export function damagedJournal(file: string, reason: string, cause?: unknown): JournalError {
  return new JournalError(
    `the journal ${file} is damaged (${reason}): start the daemon with "kazoo-relay run --rebuild", which makes a new ` +
      'journal of what can be read, and keeps the damaged file beside it',
    { cause },
  );
}

export function isDamage(error: unknown): boolean {
  // What we wrote as JSON, and isn't any more, was overwritten where SQLite sees no harm.
  if (error instanceof SyntaxError) return true;
  if (sqliteCodeOf(error) === undefined) return false;
  // What SQLite takes for JSON is our own, too.
  return isSqliteError(error, damaged) || reasonOf(error) === 'malformed JSON';
}

/** SQLite's result codes for a file that makes no sense to it: SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaged = [11, 26];

/**
 * The system's reason for refusing writes beside a journal, which SQLite doesn't report: for an exhausted quota it says
 * "disk I/O error". Undefined if writing works there, or if SQLite's error is a different one.
 */
function refusalBeside(file: string, cause: unknown): string | undefined {
  if (!isSqliteError(cause, refusals)) return undefined;
  const path = join(dirname(file), `.refused-${process.pid}`);
  try {
    tryToWrite(path);
    return undefined;
  } catch (error) {
    return telling.includes(codeOf(error) ?? '') ? fileReasonOf(error) : undefined;
  }
}

function tryToWrite(path: string): void {
  const descriptor = openSync(path, 'w', 0o600);
  try {
    writeSync(descriptor, Buffer.alloc(4_096));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
    rmSync(path, { force: true });
  }
}

/** SQLite's result codes for what the system has refused: an input or output, a full disk, the opening of a file. */
const refusals = [10, 13, 14];

/** Errors of the system that may have been about more than one file. */
const telling = ['EDQUOT', 'EMFILE', 'ENFILE', 'ENOSPC', 'EIO'];
