import { open } from 'node:fs/promises';
import { accessTo, statOf } from './fs/access.ts';

/** As `accessTo`, of a database of SQLite. @throws Error, also where the file is something else */
export async function accessToDatabase(path: string): Promise<string> {
  const found = await accessTo(path);
  const start = await startOf(path);
  // SQLite makes a database of an empty file.
  if (start === '' || start === magic) return found;
  throw new Error(`${path} is no database of SQLite, or damaged`);
}

/** How each file of SQLite begins. */
const magic = 'SQLite format 3\0';

/** Empty where there is no file. */
async function startOf(path: string): Promise<string> {
  if ((await statOf(path)) === undefined) return '';
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
  return buffer.toString('latin1', 0, bytesRead);
}

/** SQLite's result code: its lowest eight bits say what it is, the others more of it. Undefined for any other error. */
export function sqliteCodeOf(error: unknown): number | undefined {
  return Error.isError(error) && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** True for an error of SQLite that is one of these, whatever more its result code says. */
export function isSqliteError(error: unknown, codes: readonly number[]): boolean {
  const code = sqliteCodeOf(error);
  return code !== undefined && codes.includes(code & 0xff);
}
