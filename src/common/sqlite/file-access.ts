import { open } from 'node:fs/promises';
import { accessTo, statOf } from '../fs/file-access.ts';

/** As `accessTo`, of a database of SQLite. @throws Error, also where the file is something else */
export async function accessToDatabase(path: string): Promise<string> {
  const found = await accessTo(path);
  const head = await headOf(path);
  // SQLite makes a database of an empty file.
  if (head === '' || head === magic) return found;
  throw new Error(`${path} is no database of SQLite, or damaged`);
}

/** How each file of SQLite begins. */
const magic = 'SQLite format 3\0';

/** Empty where there is no file. */
async function headOf(path: string): Promise<string> {
  if ((await statOf(path)) === undefined) return '';
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
  return buffer.toString('latin1', 0, bytesRead);
}
