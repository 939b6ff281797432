import type { Grammar } from '../dialect.ts';
import type { ColumnType, ValueKind } from '../table.ts';

/** How MySQL and MariaDB write SQL. */
export const grammar: Grammar = {
  quote: (identifier) => `\`${identifier.replaceAll('`', '``')}\``,
  typeOf: ({ type }) => types[type],
  refuses: (type, kind) => refused[kind].includes(type),
  tableOptions: () => ' ENGINE = InnoDB CHARACTER SET = utf8mb4',
  furtherStatements: () => [],
};

const numbers = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'float', 'double', 'year', 'boolean'];
const times = ['date', 'datetime', 'timestamp'];

/** What the strict mode refuses. A boolean is a number here, and 0 is a time too. */
const refused: Readonly<Record<ValueKind, readonly string[]>> = {
  'an id': [...numbers, ...times, 'json'],
  'a time': [...numbers, 'json'],
  // With the T and the Z of RFC 3339.
  'a time as text': [...numbers, ...times, 'json'],
  'a boolean': [],
  'a boolean as text': [...numbers, ...times],
  JSON: [...numbers, ...times],
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
