import type { OptionTree } from '../../common/options/declare.ts';

export interface DatabaseSinkOptions {
  readonly url: string;
  readonly schema: string | undefined;
  readonly table: string;
  /** Names of columns, each with a path into the envelope and a type: `data.caller_id_number text`. */
  readonly columns: Readonly<Record<string, string>>;
  readonly columnsOnly: boolean;
  readonly migrate: boolean;
  readonly connections: number;
  readonly statementTimeout: number;
  readonly batch: { readonly max: number; readonly linger: number };
  readonly partition: 'none' | 'month';
  readonly retention: number;
}

/** Types that a column of the operator's can be given. */
export const mappedTypes = ['text', 'integer', 'number', 'boolean', 'timestamp', 'json'] as const;

export const databaseOptions: OptionTree = {
  url: {
    doc: 'postgres://, mysql:// or mariadb:// with user, password, host and database; or sqlite:///path. TLS as in libpq: ?sslmode=verify-full&sslrootcert=/path.',
    format: 'database url',
    default: null,
    sensitive: true,
  },
  schema: {
    doc: 'Existing schema of the table (in MySQL and MariaDB: its database); by default that of the connection.',
    format: 'sql name',
    default: undefined,
  },
  table: { doc: 'Table for the notifications.', format: 'sql name', default: 'notifications' },
  columns: {
    doc: 'Columns of your own.',
    each: {
      doc: 'Path into the envelope and a type: data.caller_id_number text. Types: text (the default), integer, number, boolean, timestamp, json.',
      format: 'column',
      default: null,
    },
  },
  columnsOnly: {
    doc: 'true: a table of your own, which has only the columns named above and is never changed.',
    format: Boolean,
    default: false,
  },
  migrate: {
    doc: 'true: the daemon creates and extends the table. false: it only checks it; `database schema` prints the SQL.',
    format: Boolean,
    default: true,
  },
  connections: {
    doc: 'Maximum number of connections, and of simultaneous batches; with one, rows are stored in order. SQLite has one.',
    format: 'positive number',
    default: 1,
  },
  statementTimeout: {
    doc: 'Time limit for a statement, including waits for locks.',
    format: 'positive duration',
    default: 10_000,
  },
  batch: {
    max: { doc: 'Maximum number of rows in one statement.', format: 'positive number', default: 500 },
    linger: { doc: 'Maximum time that a row waits for others.', format: 'duration', default: 50 },
  },
  partition: {
    doc: 'month: a partition for each month of occurred_at (PostgreSQL).',
    format: ['none', 'month'],
    default: 'none',
  },
  retention: {
    doc: 'Age by occurred_at at which rows are deleted, or partitions dropped; 0: never.',
    format: 'age',
    default: 0,
  },
};
