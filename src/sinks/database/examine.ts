import type { Logger } from 'pino';
import { accessToDatabase, statOf } from '../file-access.ts';
import { dialectOf } from './dialects.ts';
import type { DatabaseSinkOptions } from './options.ts';
import { lacksOf, listed } from './schema.ts';
import { tableOf } from './table.ts';

/** What there is at the other end, without changing it. @throws Error that says why nothing could be stored there */
export async function examine(options: DatabaseSinkOptions, log: Logger): Promise<string> {
  const dialect = dialectOf(options.url);
  const file = dialect.isLocal ? await examineFile(decodeURIComponent(new URL(options.url).pathname)) : undefined;
  const table = tableOf(options);
  const database = await dialect.open(options, table, log);
  try {
    // SQLite would make a file that isn't there.
    const found = file?.isEmpty ? undefined : await database.inspect();
    const lacks = lacksOf(table, found, dialect);
    const forbidden = privilegesFor(options).filter((each) => found?.privileges?.includes(each) === false);
    if (forbidden.length > 0) {
      const grant = `GRANT ${forbidden.join(', ')} ON ${options.table} TO …`;
      throw new Error(`${database.place} does not let this user use the table ${options.table} (${grant})`);
    }
    if (lacks.length === 0) {
      return `${file === undefined ? database.place : `${file.access}; it`} has the table ${options.table} as it must be`;
    }
    const list = listed(lacks);
    const isOurs = options.migrate && lacks.every(({ statements }) => statements !== undefined);
    if (!isOurs) throw new Error(`${database.place} lacks what the daemon may not make: ${list}`);
    const obstacle = await database.obstacle?.(found);
    if (obstacle !== undefined) throw new Error(`${database.place} lacks what can't be made: ${list}; ${obstacle}`);
    return `${file?.access ?? `${database.place} answers`}; before its first row the daemon makes: ${list}`;
  } catch (error) {
    if (Error.isError(error) && error.message.startsWith(database.place)) throw error;
    throw new Error(`${database.place}: ${database.blame(error).reason}`, { cause: error });
  } finally {
    await database.close();
  }
}

async function examineFile(path: string): Promise<{ access: string; isEmpty: boolean }> {
  const access = await accessToDatabase(path);
  return { access, isEmpty: ((await statOf(path))?.size ?? 0) === 0 };
}

function privilegesFor({ retention }: DatabaseSinkOptions): string[] {
  return retention > 0 ? ['SELECT', 'INSERT', 'DELETE'] : ['INSERT'];
}
