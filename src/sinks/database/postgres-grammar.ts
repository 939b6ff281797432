import type { Grammar } from './dialect.ts';
import { boundsOf, defaultOf, monthsToCome, partitionOf } from './postgres-partitions.ts';
import { qualified } from './schema.ts';
import type { ColumnType, Table } from './table.ts';

/** How PostgreSQL writes SQL. */
export const grammar: Grammar = {
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  typeOf: ({ type }) => types[type],
  tableOptions: ({ partitioned }) => (partitioned ? ' PARTITION BY RANGE ("occurred_at")' : ''),
  furtherStatements: (table) => (table.partitioned ? firstPartitions(table) : []),
};

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

/** The default partition, where rows go that no other one takes, and those of the months to come. */
function firstPartitions(table: Table): readonly string[] {
  const name = qualified(table, grammar);
  return [
    `CREATE TABLE ${qualified(defaultOf(table), grammar)} PARTITION OF ${name} DEFAULT`,
    ...monthsToCome().map((month) => {
      const part = qualified(partitionOf(table, month), grammar);
      return `CREATE TABLE ${part} PARTITION OF ${name} ${boundsOf(month)}`;
    }),
  ];
}
