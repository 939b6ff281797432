import { statOf } from '../../common/fs/access.ts';
import { accessToDatabase } from '../../common/sqlite.ts';
import type { SinkContext } from '../sink.ts';
import type { TableInfo } from './dialect.ts';
import { dialectOf } from './dialects.ts';
import type { DatabaseSinkOptions } from './options.ts';
import { describeDifferences, schemaDiff } from './schema.ts';
import { tableOf } from './table.ts';

/** Describes the server without changing it. @throws Error that says why nothing could be stored there */
export async function connectionTest(options: DatabaseSinkOptions, { log, maxBodySize }: SinkContext): Promise<string> {
  const dialect = dialectOf(options.url);
  const file = dialect.isLocal ? await examineFile(decodeURIComponent(new URL(options.url).pathname)) : undefined;
  const table = tableOf(options);
  const database = await dialect.open(options, table, log);
  try {
    // SQLite would make a file that isn't there.
    const found = file?.isEmpty ? undefined : await database.introspect();
    const differences = schemaDiff(table, found, dialect);
    const forbidden = privilegesFor(options).filter((each) => found?.privileges?.includes(each) === false);
    if (forbidden.length > 0) {
      const grant = `GRANT ${forbidden.join(', ')} ON ${options.table} TO …`;
      throw new Error(`${database.displayName} does not let this user use the table ${options.table} (${grant})`);
    }
    if (differences.length === 0) {
      const whose = file === undefined ? database.displayName : `${file.access}; it`;
      return `${whose} has the table ${options.table} as it must be${limitOf(found, maxBodySize)}`;
    }
    const missing = describeDifferences(differences);
    const isOurs = options.migrate && differences.every(({ statements }) => statements !== undefined);
    if (!isOurs) throw new Error(`${database.displayName} lacks what the daemon may not make: ${missing}`);
    const obstacle = await database.migrationObstacle?.(found);
    if (obstacle !== undefined)
      throw new Error(`${database.displayName} lacks what can't be made: ${missing}; ${obstacle}`);
    return `${file?.access ?? `${database.displayName} answers`}; before its first row the daemon makes: ${missing}`;
  } catch (error) {
    if (Error.isError(error) && error.message.startsWith(database.displayName)) throw error;
    throw new Error(`${database.displayName}: ${database.classifyError(error).reason}`, { cause: error });
  } finally {
    await database.close();
  }
}

/** The server's limit, if it can't take the largest rows. */
function limitOf(found: TableInfo | undefined, maxBodySize = 0): string {
  const largest = found?.largestStatement ?? Number.POSITIVE_INFINITY;
  if (largest > maxBodySize + besideBody) return '';
  return (
    `; but its max_allowed_packet of ${largest} bytes is too small for the row of a body of intake.maxBodySize ` +
    `(${maxBodySize} bytes): such a row will be a dead letter (SET GLOBAL max_allowed_packet)`
  );
}

/** Bytes that a row has beside its body. */
const besideBody = 64 * 1024;

async function examineFile(path: string): Promise<{ access: string; isEmpty: boolean }> {
  const access = await accessToDatabase(path);
  return { access, isEmpty: ((await statOf(path))?.size ?? 0) === 0 };
}

function privilegesFor({ retention }: DatabaseSinkOptions): string[] {
  return retention > 0 ? ['SELECT', 'INSERT', 'DELETE'] : ['INSERT'];
}
