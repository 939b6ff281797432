import { type DatabaseSinkOptions, mappedTypes } from './options.ts';

/** What a table holds, in the words of no dialect. */
export interface Table {
  readonly schema: string | undefined;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Columns that are unique together: a row with the same ones is the same row. The first holds the id. */
  readonly key: readonly string[];
  readonly indexes: readonly Index[];
  readonly partitioned: boolean;
  /** True for an operator's own table, which isn't ours to change. */
  readonly operatorOwned: boolean;
}

export interface Column {
  readonly name: string;
  /** Where its value stands in the envelope. */
  readonly path: readonly string[];
  readonly type: ColumnType;
  readonly required: boolean;
}

/** `id` and `label` are texts of at most 36 and 255 characters, fit for an index in every dialect. */
export type ColumnType = (typeof mappedTypes)[number] | 'id' | 'label';

interface Index {
  readonly name: string;
  readonly columns: readonly string[];
}

/** The table that the options describe. */
export function tableOf(options: DatabaseSinkOptions): Table {
  const mapped = Object.entries(options.columns).map(([name, source]) => mappedColumn(name, source));
  const { schema, table: name, columnsOnly: operatorOwned } = options;
  if (operatorOwned) {
    const key = mapped.filter(({ path }) => path.length === 1 && path[0] === 'id').map((column) => column.name);
    return { schema, name, columns: mapped, key, indexes: [], partitioned: false, operatorOwned };
  }
  const partitioned = options.partition === 'month';
  return {
    schema,
    name,
    columns: [...standardColumns, ...mapped],
    // PostgreSQL wants the partitioning column in every unique index.
    key: partitioned ? ['id', 'occurred_at'] : ['id'],
    indexes: [
      { name: `${name}_by_account`, columns: ['account_id', 'occurred_at'] },
      { name: `${name}_by_event`, columns: ['event', 'occurred_at'] },
      ...(options.retention > 0 && !partitioned ? [{ name: `${name}_by_time`, columns: ['occurred_at'] }] : []),
    ],
    partitioned,
    operatorOwned,
  };
}

/** Names of the columns that every table of ours has. */
export function isStandardColumn(name: string): boolean {
  return standardColumns.some((column) => column.name === name.toLowerCase());
}

const standardColumns: readonly Column[] = [
  standard('id', 'id', true),
  standard('event', 'label'),
  standard('category', 'label'),
  standard('account_id', 'label'),
  standard('zone', 'label', true),
  standard('node', 'text'),
  standard('occurred_at', 'timestamp', true),
  standard('received_at', 'timestamp', true),
  standard('valid', 'boolean', true),
  standard('problems', 'json', true),
  standard('data', 'json'),
];

function standard(name: string, type: ColumnType, required = false): Column {
  return { name, path: [name], type, required };
}

/** `data.caller_id_number` or `data.current_balance integer`, as the format of the option has checked. */
export function mappedColumn(name: string, source: string): Column {
  const [path = '', word] = source.split(/\s+/);
  const type = mappedTypes.find((candidate) => candidate === word) ?? 'text';
  return { name, path: path.split('.'), type, required: false };
}

/** The kind of a column's value in every row, or NULL, if that is certain. */
export type ValueKind = 'an id' | 'a time' | 'a time as text' | 'a boolean' | 'a boolean as text' | 'JSON';

/**
 * The kind of a column's values; undefined if they may be anything, as in a body, or any text, such as the name of a
 * zone.
 */
export function valueKindOf({ path, type }: Column): ValueKind | undefined {
  if (path.length !== 1) return undefined;
  switch (path[0]) {
    case 'id':
      return type === 'json' ? 'JSON' : 'an id';
    case 'occurred_at':
    case 'received_at':
      if (type === 'json') return 'JSON';
      return type === 'timestamp' ? 'a time' : 'a time as text';
    case 'valid':
      return type === 'boolean' ? 'a boolean' : 'a boolean as text';
    case 'problems':
    case 'data':
      return 'JSON';
    default:
      return undefined;
  }
}
