import { fileReasonOf } from '../../../common/fs/fs-errors.ts';
import { isSqliteError, sqliteCodeOf } from '../../../common/sqlite.ts';
import { type ClassifiedError, columnIn, withoutValues as hide, plainReason } from '../errors.ts';

/** Says of an error whether it is a row's fault, from SQLite's result code. */
export function classifyError(error: unknown): ClassifiedError {
  const code = sqliteCodeOf(error);
  if (code === undefined) return { kind: 'database', ...plainReason(error), reason: fileReasonOf(error) };
  return { kind: isSqliteError(error, aboutRow) ? 'row' : 'database', reason: plainReason(error).reason, code };
}

/** The error of a statement with values, without what it says of them. @param columns of the table */
export function withoutValues(error: unknown, columns: Iterable<string>): unknown {
  const code = sqliteCodeOf(error);
  if (!Error.isError(error) || code === undefined) return error;
  const meaning = meanings[code] ?? ('errstr' in error ? String(error.errstr) : undefined);
  return hide(error, { code, meaning, column: columnIn(error.message, columns) });
}

/** By the extended result code; SQLite's own text for the others says no more than the code. */
const meanings: Readonly<Record<number, string>> = {
  275: 'a CHECK constraint is violated',
  787: 'a foreign key leads nowhere',
  1299: 'a column that is NOT NULL has no value',
  1555: 'the primary key has that value already',
  1811: 'raised by a trigger',
  2067: 'a unique index has that value already',
  3091: 'a value is not of the type of its column',
};

/** Another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error, [5]);
}

/** Too big, a constraint (also RAISE in a trigger, and a type in a STRICT table), a mismatch of types. */
const aboutRow = [18, 19, 20];
