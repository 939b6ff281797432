import type { Grammar } from '../dialect.ts';
import { qualified } from '../schema.ts';
import type { ColumnType, Table, ValueKind } from '../table.ts';

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

/** Months beside the current one that have their partition ahead of time. */
const monthsAhead = 3;

/** The current month and those to come that have a partition. Months are written `2026-11`, and are those of UTC. */
export function monthsToCome(): string[] {
  const now = new Date();
  return Array.from({ length: monthsAhead + 1 }, (_, ahead) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead)).toISOString().slice(0, 7),
  );
}

type Name = Pick<Table, 'schema' | 'name'>;

/** `notifications_y2026m11` */
export function partitionOf({ schema, name }: Name, month: string): Name {
  return { schema, name: `${name}_y${month.replace('-', 'm')}` };
}

/** Where rows go that no partition of a month takes. */
export function defaultOf({ schema, name }: Name): Name {
  return { schema, name: `${name}_default` };
}

/** The month of one of the sink's partitions; undefined for one that somebody else has made. */
export function monthOf({ name }: Name, partition: string): string | undefined {
  const [, year, month] = /_y(\d{4})m(\d{2})$/.exec(partition) ?? [];
  return year !== undefined && partition === `${name}_y${year}m${month}` ? `${year}-${month}` : undefined;
}

/** A month's limits as PostgreSQL writes them of a partition. */
export function boundsOf(month: string): string {
  const [from, to] = limitsOf(month);
  return `FOR VALUES FROM ('${from}') TO ('${to}')`;
}

/** A month's first moment, and that of the next one. */
export function limitsOf(month: string): [string, string] {
  const first = new Date(`${month}-01T00:00:00Z`);
  return [first.toISOString(), new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1)).toISOString()];
}
