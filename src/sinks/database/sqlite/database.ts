import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../../../common/fs/access.ts';
import { fileReasonOf } from '../../../common/fs/fs-errors.ts';
import { makeNamedFile } from '../../../common/fs/named-file.ts';
import { withoutValues as hide } from '../../../common/refusal.ts';
import { isSqliteError, sqliteCodeOf } from '../../../common/sqlite.ts';
import { type Database, deleteBatchSize, deletePause, type TableInfo } from '../dialect.ts';
import { type ClassifiedError, columnIn, plainReason } from '../errors.ts';
import type { DatabaseSinkOptions } from '../options.ts';
import type { ColumnValue, Row } from '../row.ts';
import { identifierList, qualified } from '../schema.ts';
import type { Table } from '../table.ts';
import { grammar } from './grammar.ts';

export class SqliteDatabase implements Database {
  readonly displayName: string;
  readonly classifyError: (error: unknown) => ClassifiedError = classifyError;
  readonly #path: string;
  readonly #table: Table;
  readonly #options: DatabaseSinkOptions;
  #open: Open | undefined;
  /** Names of those that the table had when it was last seen. */
  #columns: readonly string[] = [];
  /** One transaction at a time: deliveries and tidying share the connection. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: DatabaseSinkOptions, table: Table) {
    this.#options = options;
    this.#table = table;
    this.#path = decodeURIComponent(new URL(options.url).pathname);
    this.displayName = `SQLite in ${this.#path}`;
  }

  async introspect(): Promise<TableInfo | undefined> {
    const found = introspect(this.#current().database, this.#table);
    if (found !== undefined) this.#columns = [...found.columns.keys()];
    return found;
  }

  migrate(statementsFor: (found: TableInfo | undefined) => readonly string[]): Promise<void> {
    return this.#transaction((database) => {
      for (const statement of statementsFor(introspect(database, this.#table))) database.exec(statement);
    });
  }

  insert(rows: readonly Row[], signal: AbortSignal): Promise<void> {
    return this.#transaction(() => {
      const current = this.#current();
      current.insert ??= current.database.prepare(insertStatement(this.#table));
      try {
        for (const { values } of rows) current.insert.run(...values.map(sqlValue));
      } catch (error) {
        throw withoutValues(error, this.#columns);
      }
    }, signal);
  }

  async maintain(cutoff: number | undefined, signal: AbortSignal): Promise<void> {
    if (cutoff === undefined) return;
    const name = qualified(this.#table, grammar);
    const statement = `DELETE FROM ${name} WHERE rowid IN (SELECT rowid FROM ${name} WHERE occurred_at < ? LIMIT ?)`;
    for (;;) {
      const deleted = await this.#transaction(
        (database) => database.prepare(statement).run(new Date(cutoff).toISOString(), deleteBatchSize).changes,
        signal,
      );
      if (Number(deleted) < deleteBatchSize) return;
      await delay(deletePause, undefined, { signal });
    }
  }

  async close(): Promise<void> {
    await this.#queue;
    this.#forget();
  }

  /** Does the work in one transaction. It waits for another process's lock without blocking this one. */
  #transaction<T>(work: (database: DatabaseSync) => T, signal?: AbortSignal): Promise<T> {
    const result = this.#queue.then(async () => {
      const deadline = performance.now() + this.#options.statementTimeout;
      while (!this.#begin(performance.now() > deadline)) await delay(busyPause, undefined, { signal });
      const { database } = this.#current();
      try {
        const value = work(database);
        database.exec('COMMIT');
        return value;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        if (classifyError(error).kind !== 'row') this.#forget();
        throw error;
      }
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** False where another process is writing. @param isLast throws then */
  #begin(isLast: boolean): boolean {
    try {
      const current = this.#current();
      // WAL stays set in the file, and lets others read while we write. Introspection alone must not change the file.
      if (!current.isWal) current.database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      current.isWal = true;
      current.database.exec('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (isBusy(error) && !isLast) return false;
      this.#forget();
      throw error;
    }
  }

  /** The open database, if it is still the one at its path: what is written to a file that was removed is lost. */
  #current(): Open {
    if (this.#open !== undefined && inodeOf(this.#path) !== this.#open.inode) this.#forget();
    this.#open ??= openFile(this.#path);
    return this.#open;
  }

  #forget(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }
}

/** Between two tries of a database that another process is writing to, in milliseconds. */
const busyPause = 20;

interface Open {
  readonly database: DatabaseSync;
  readonly inode: number;
  insert: StatementSync | undefined;
  isWal: boolean;
}

function openFile(path: string): Open {
  makeFolder(dirname(path), 0o750);
  // SQLite would create it readable for all users.
  makeNamedFile(path, 0o640);
  const database = new DatabaseSync(path, { timeout: 0 });
  return { database, inode: inodeOf(path) ?? 0, insert: undefined, isWal: false };
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function insertStatement(table: Table): string {
  const names = table.columns.map(({ name }) => name);
  return (
    `INSERT INTO ${qualified(table, grammar)} (${identifierList(names, grammar)}) VALUES (${names.map(() => '?').join(', ')}) ` +
    `ON CONFLICT (${identifierList(table.key, grammar)}) DO NOTHING`
  );
}

function sqlValue(value: ColumnValue): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value;
}

/** What a file of SQLite has of the table. */
function introspect(database: DatabaseSync, { name }: Table): TableInfo | undefined {
  const columns = database.prepare(columnsQuery).all(name);
  if (columns.length === 0) return undefined;
  const [kind] = database
    .prepare("SELECT strict, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?")
    .all(name);
  const keys = columns.filter(({ pk }) => Number(pk) > 0);
  // Is the number of the row: it takes nothing but whole numbers in any table, and gives itself one.
  const isRowId = ({ pk, type }: PragmaRow) =>
    Number(pk) > 0 && keys.length === 1 && /^INTEGER$/i.test(String(type)) && kind?.wr === 0;
  return {
    columns: new Map(
      columns.map((column) => [
        String(column.name),
        kind?.strict === 1 || isRowId(column) ? String(column.type) : 'ANY',
      ]),
    ),
    indexes: [
      ...database
        .prepare(indexesQuery)
        .all(name)
        .map((index) => ({
          unique: index.isUnique === 1,
          columns: namesOf(database.prepare(partsQuery).all(String(index.name))),
        })),
      // The primary key is in no list of indexes where it is an integer.
      { unique: true, columns: namesOf(keys) },
    ],
    partitioned: false,
    requiredWithoutDefault: namesOf(columns.filter((column) => column.isRequired === 1 && !isRowId(column))),
  };
}

type PragmaRow = Record<string, unknown>;

function namesOf(rows: readonly PragmaRow[]): string[] {
  return rows.map((row) => String(row.name));
}

/** Generated columns aren't among them. */
const columnsQuery = `
  SELECT name, type, pk, "notnull" AND coalesce(upper(dflt_value), 'NULL') = 'NULL' AS isRequired
  FROM pragma_table_info(?) ORDER BY pk`;

const indexesQuery = 'SELECT name, "unique" AS isUnique FROM pragma_index_list(?) WHERE NOT partial';
const partsQuery = 'SELECT name FROM pragma_index_info(?) ORDER BY seqno';

/** Says of an error whether it is a row's fault, from SQLite's result code. */
function classifyError(error: unknown): ClassifiedError {
  const code = sqliteCodeOf(error);
  if (code === undefined) return { kind: 'database', ...plainReason(error), reason: fileReasonOf(error) };
  return { kind: isSqliteError(error, aboutRow) ? 'row' : 'database', reason: plainReason(error).reason, code };
}

/** The error of a statement with values, without what it says of them. @param columns of the table */
function withoutValues(error: unknown, columns: Iterable<string>): unknown {
  const code = sqliteCodeOf(error);
  if (!Error.isError(error) || code === undefined) return error;
  const meaning = meanings[code] ?? ('errstr' in error ? String(error.errstr) : undefined);
  return hide(error, { code, meaning, column: columnIn(error.message, columns) });
}

/** By the extended result code; SQLite's own text for the others says no more than the code. */
const meanings: Readonly<Record<number, string>> = {
  275: 'a CHECK constraint is violated',
  787: 'a foreign key leads nowhere',
  1299: 'a column that is NOT NULL has no value',
  1555: 'the primary key has that value already',
  1811: 'raised by a trigger',
  2067: 'a unique index has that value already',
  3091: 'a value is not of the type of its column',
};

/** Another connection holds the lock. */
function isBusy(error: unknown): boolean {
  return isSqliteError(error, [5]);
}

/** Too big, a constraint (also RAISE in a trigger, and a type in a STRICT table), a mismatch of types. */
const aboutRow = [18, 19, 20];
