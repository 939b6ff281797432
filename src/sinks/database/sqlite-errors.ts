import { type Blame, plainReason } from './dialect.ts';

/** Says of an error whether it is a row's fault, from SQLite's result code. */
export function blame(error: unknown): Blame {
  const code = codeOf(error);
  if (code === undefined) return { on: 'database', ...plainReason(error) };
  return { on: aboutRow.has(code & 0xff) ? 'row' : 'database', reason: plainReason(error).reason, code };
}

/** Somebody else holds the lock. */
export function isBusy(error: unknown): boolean {
  return ((codeOf(error) ?? 0) & 0xff) === 5;
}

function codeOf(error: unknown): number | undefined {
  const code = Error.isError(error) ? Reflect.get(error, 'errcode') : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** Too big, a constraint (also RAISE in a trigger, and a type in a STRICT table), a mismatch of types. */
const aboutRow = new Set([18, 19, 20]);
