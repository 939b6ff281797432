import { isIP } from 'node:net';
import type { Dialect, Grammar } from './dialect.ts';
import { serverOf } from './server.ts';
import type { Column, ColumnType } from './table.ts';

export const defaultPort = 3306;

/** Ids compare by their bytes; all other text as people do. Times are UTC: TIMESTAMP would end in 2038. */
const types: Readonly<Record<ColumnType, string>> = {
  id: 'char(36) CHARACTER SET ascii COLLATE ascii_bin',
  label: 'varchar(255)',
  text: 'text',
  integer: 'bigint',
  number: 'double',
  boolean: 'boolean',
  timestamp: 'datetime(3)',
  json: 'json',
};

export const grammar: Grammar = {
  quote: (identifier) => `\`${identifier.replaceAll('`', '``')}\``,
  typeOf: ({ type }: Column) => types[type],
  tableOptions: () => ' ENGINE = InnoDB CHARACTER SET = utf8mb4',
  furtherStatements: () => [],
};

/** MySQL and MariaDB. Their library is loaded only where one is opened. */
export const mysqlDialect: Dialect = {
  ...grammar,
  name: 'MySQL',
  protocols: ['mysql:', 'mariadb:'],
  lacks: ['partition'],
  isLocal: false,
  checkUrl(url) {
    const { host, tls } = serverOf(url, defaultPort);
    // The library would look for the name localhost in the certificate then.
    if (tls.mode === 'verify-full' && isIP(host))
      throw new Error('its sslmode verify-full needs a host name, not an address');
  },
  async open(options, table, log) {
    const { MysqlDatabase } = await import('./mysql-database.ts');
    return new MysqlDatabase(options, table, log);
  },
};
