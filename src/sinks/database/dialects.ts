import { isIP } from 'node:net';
import { serverOf } from '../../common/net/database-url.ts';
import type { Dialect } from './dialect.ts';
import { grammar as mysqlGrammar } from './mysql/grammar.ts';
import { grammar as postgresGrammar } from './postgres/grammar.ts';
import { grammar as sqliteGrammar } from './sqlite/grammar.ts';

/** PostgreSQL. Its library is loaded only where it is opened. */
const postgres: Dialect = {
  ...postgresGrammar,
  name: 'PostgreSQL',
  protocols: ['postgres:', 'postgresql:'],
  unsupportedOptions: [],
  isLocal: false,
  checkUrl: (url) => void serverOf(url, 5432),
  async open(options, table, log) {
    const { PostgresDatabase } = await import('./postgres/database.ts');
    return new PostgresDatabase(options, serverOf(new URL(options.url), 5432), table, log);
  },
};

/** MySQL and MariaDB. Their library is loaded only where one is opened. */
const mysql: Dialect = {
  ...mysqlGrammar,
  name: 'MySQL',
  protocols: ['mysql:', 'mariadb:'],
  unsupportedOptions: ['partition'],
  isLocal: false,
  checkUrl(url) {
    const { host, tls } = serverOf(url, 3306);
    // The library would look for the name localhost in the certificate then.
    if (tls.mode === 'verify-full' && isIP(host))
      throw new Error('its sslmode verify-full needs a host name, not an address');
  },
  async open(options, table, log) {
    const { MysqlDatabase } = await import('./mysql/database.ts');
    return new MysqlDatabase(options, serverOf(new URL(options.url), 3306), table, log);
  },
};

/** SQLite, in a file of its own. */
const sqlite: Dialect = {
  ...sqliteGrammar,
  name: 'SQLite',
  protocols: ['sqlite:'],
  unsupportedOptions: ['schema', 'partition'],
  isLocal: true,
  checkUrl: (url) => void decodeURIComponent(url.pathname),
  async open(options, table) {
    const { SqliteDatabase } = await import('./sqlite/database.ts');
    return new SqliteDatabase(options, table);
  },
};

const dialects: readonly Dialect[] = [postgres, mysql, sqlite];

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
