import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from '../../common/errors.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { isSqliteError } from '../../common/sqlite.ts';

/** SQLite's result codes for what the system has refused: an input or output, a full disk, the opening of a file. */
const refusals = [10, 13, 14];

/** What the system may have said of more than one file. */
const telling = ['EDQUOT', 'EMFILE', 'ENFILE', 'ENOSPC', 'EIO'];

/**
 * What the system refuses beside a journal, in plain words, where SQLite only says that it did: a quota that is used up
 * is "disk I/O error" to it. Undefined where something can be written there, or SQLite's error is another one.
 */
export function refusalBeside(file: string, cause: unknown): string | undefined {
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
