import type { Dialect } from './dialect.ts';
import { mysqlDialect } from './mysql/dialect.ts';
import { postgres } from './postgres/dialect.ts';
import { sqlite } from './sqlite/dialect.ts';

const dialects: readonly Dialect[] = [postgres, mysqlDialect, sqlite];

/**
 * The dialect that a URL means.
 * @throws Error for one of no protocol of theirs, which a checked configuration doesn't have
 */
export function dialectOf(url: string): Dialect {
  const { protocol } = new URL(url);
  const dialect = dialects.find(({ protocols }) => protocols.includes(protocol));
  if (dialect === undefined) throw new Error(`there is no database with the protocol ${protocol}`);
  return dialect;
}
