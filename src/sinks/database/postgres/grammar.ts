import type { Grammar } from '../dialect.ts';
import { qualified } from '../schema.ts';
import type { ColumnType, Table, ValueKind } from '../table.ts';
import { boundsOf, defaultOf, monthsToCome, partitionOf } from './partitions.ts';

/** How PostgreSQL writes SQL. */
export const grammar: Grammar = {
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  typeOf: ({ type }) => types[type],
  refuses: (type, kind) => refused[kind].includes(type),
  tableOptions: ({ partitioned }) => (partitioned ? ' PARTITION BY RANGE ("occurred_at")' : ''),
  furtherStatements: (table) => (table.partitioned ? firstPartitions(table) : []),
};

const numbers = ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'];
const times = ['date', 'timestamp with time zone', 'timestamp without time zone'];

/** Names of types as `format_type` gives them, and as we write them. A time is read from a text in any case. */
const refused: Readonly<Record<ValueKind, readonly string[]>> = {
  'an id': [...numbers, ...times, 'timestamptz', 'boolean', 'json', 'jsonb'],
  'a time': [...numbers, 'boolean', 'uuid', 'json', 'jsonb'],
  'a time as text': [...numbers, 'boolean', 'uuid', 'json', 'jsonb'],
  'a boolean': [...numbers, ...times, 'timestamptz', 'uuid'],
  'a boolean as text': [...numbers, ...times, 'timestamptz', 'uuid'],
  JSON: [...numbers, 'boolean', 'uuid'],
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
