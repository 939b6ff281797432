import type { Logger } from 'pino';
import type { ClassifiedError } from './errors.ts';
import type { DatabaseSinkOptions } from './options.ts';
import type { Row } from './row.ts';
import type { Column, Table, ValueKind } from './table.ts';

/** One kind of database: how its SQL is written, and how it is reached. */
export interface Dialect extends Grammar {
  readonly name: string;
  /** Protocols of the URLs that mean it, such as `postgres:`. */
  readonly protocols: readonly string[];
  /** Options that it doesn't support. */
  readonly unsupportedOptions: readonly ('schema' | 'partition')[];
  /** True where it is a file that is written by one connection at a time. */
  readonly isLocal: boolean;
  /** @throws Error that says what is wrong with the URL, without a word of the URL itself: a secret is in it */
  checkUrl(url: URL): void;
  /** Connects to nothing yet. */
  open(options: DatabaseSinkOptions, table: Table, log: Logger): Promise<Database>;
}

/** How a dialect writes what the dialects write differently. */
export interface Grammar {
  quote(identifier: string): string;
  typeOf(column: Column): string;
  /** True of a type, as the database names it, that can store nothing of that kind; false where that isn't certain. */
  refuses(type: string, kind: ValueKind): boolean;
  /** The text behind the last parenthesis of CREATE TABLE. */
  tableOptions(table: Table): string;
  /** Statements beyond the table and its indexes, on a database that has none of them. */
  furtherStatements(table: Table): readonly string[];
}

/** A database and the one table in it. Every method rejects within a bounded time. */
export interface Database {
  /** Names it in messages, without user and password. */
  readonly displayName: string;
  /** The table as it is; undefined if there is none. */
  introspect(): Promise<TableInfo | undefined>;
  /** Why our user can't create or change the table; undefined if it can. Omitted if that can't be asked. */
  migrationObstacle?(found: TableInfo | undefined): Promise<string | undefined>;
  /** Holds a lock that other daemons respect, looks again at what is there, and runs the statements that it takes. */
  migrate(statementsFor: (found: TableInfo | undefined) => readonly string[]): Promise<void>;
  /** Stores all rows, or none of them. A row that is there already is left as it is. */
  insert(rows: readonly Row[], signal: AbortSignal): Promise<void>;
  /** The meaning of an error of `insert` for its rows. */
  classifyError(error: unknown): ClassifiedError;
  /** Drops or deletes rows older than `cutoff` (Unix milliseconds; undefined: none), and prepares for later ones. */
  maintain(cutoff: number | undefined, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What a database has of a table. */
export interface TableInfo {
  /** Types by name. */
  readonly columns: ReadonlyMap<string, string>;
  readonly indexes: readonly { readonly unique: boolean; readonly columns: readonly string[] }[];
  readonly partitioned: boolean;
  /** Columns of which each row must give a value, because there is certainly nothing else that would. */
  readonly requiredWithoutDefault: readonly string[];
  /** Bytes that one statement may have; undefined where that is more than we ever send. */
  readonly largestStatement?: number;
  /** What our user may do with it, of SELECT, INSERT and DELETE; undefined where the database isn't asked. */
  readonly privileges?: readonly string[] | undefined;
}

/** How much longer than a statement may take in the server its answer may take to come, in milliseconds. */
export const timeoutMargin = 2_000;

/** How many times longer than any other statement one may take that changes the table: an index over all of it, say. */
export const ddlTimeoutFactor = 60;

/** How many old rows one statement deletes, and the pause behind it in milliseconds: deliveries go on in between. */
export const deleteBatchSize = 1_000;
export const deletePause = 50;
