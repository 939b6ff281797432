import { fileReasonOf, isSqliteError, sqliteCodeOf } from '../../errors.ts';
import { type Blame, plainReason } from './dialect.ts';

/** Says of an error whether it is a row's fault, from SQLite's result code. */
export function blame(error: unknown): Blame {
  const code = sqliteCodeOf(error);
  if (code === undefined) return { on: 'database', ...plainReason(error), reason: fileReasonOf(error) };
  return { on: isSqliteError(error, aboutRow) ? 'row' : 'database', reason: plainReason(error).reason, code };
}

/** Somebody else holds the lock. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error, [5]);
}

/** Too big, a constraint (also RAISE in a trigger, and a type in a STRICT table), a mismatch of types. */
const aboutRow = [18, 19, 20];
