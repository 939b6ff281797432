import type { Dialect, Grammar } from './dialect.ts';
import { aheadStatements } from './postgres-tidy.ts';
import { serverOf } from './server.ts';
import type { Column, ColumnType } from './table.ts';

export const defaultPort = 5432;

const types: Readonly<Record<ColumnType, string>> = {
  id: 'uuid',
  label: 'text',
  text: 'text',
  integer: 'bigint',
  number: 'numeric',
  boolean: 'boolean',
  timestamp: 'timestamptz',
  json: 'jsonb',
};

export const grammar: Grammar = {
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  typeOf: ({ type }: Column) => types[type],
  tableOptions: ({ partitioned }) => (partitioned ? ' PARTITION BY RANGE ("occurred_at")' : ''),
  furtherStatements: (table) => (table.partitioned ? aheadStatements(table, grammar) : []),
};

/** PostgreSQL. Its library is loaded only where it is opened. */
export const postgres: Dialect = {
  ...grammar,
  name: 'PostgreSQL',
  protocols: ['postgres:', 'postgresql:'],
  lacks: [],
  isLocal: false,
  checkUrl: (url) => void serverOf(url, defaultPort),
  async open(options, table, log) {
    const { PostgresDatabase } = await import('./postgres-database.ts');
    return new PostgresDatabase(options, table, log);
  },
};
