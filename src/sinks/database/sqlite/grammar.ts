import type { Grammar } from '../dialect.ts';
import type { ColumnType } from '../table.ts';

/** How SQLite writes SQL. */
export const grammar: Grammar = {
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  typeOf: ({ type }) => types[type],
  // Types bind in a STRICT table only. A text that is no number through and through is none for SQLite.
  refuses: (type, kind) => (/^(INT|INTEGER|REAL)$/i.test(type) ? kind !== 'a boolean' : /^BLOB$/i.test(type)),
  // Otherwise a text would go into an INTEGER column.
  tableOptions: () => ' STRICT',
  furtherStatements: () => [],
};

/** Times are RFC 3339 in UTC, which SQLite's date functions read and whose order is that of time. */
const types: Readonly<Record<ColumnType, string>> = {
  id: 'TEXT',
  label: 'TEXT',
  text: 'TEXT',
  integer: 'INTEGER',
  number: 'REAL',
  boolean: 'INTEGER',
  timestamp: 'TEXT',
  json: 'TEXT',
};
