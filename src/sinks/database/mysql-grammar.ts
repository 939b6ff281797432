import type { Grammar } from './dialect.ts';
import type { ColumnType } from './table.ts';

/** How MySQL and MariaDB write SQL. */
export const grammar: Grammar = {
  quote: (identifier) => `\`${identifier.replaceAll('`', '``')}\``,
  typeOf: ({ type }) => types[type],
  tableOptions: () => ' ENGINE = InnoDB CHARACTER SET = utf8mb4',
  furtherStatements: () => [],
};

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
