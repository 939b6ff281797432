import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { makeNamedFile } from '../../file.ts';
import { makeFolder } from '../../folder.ts';
import {
  type Blame,
  type Database,
  type Dialect,
  deletedAtOnce,
  type Found,
  type Grammar,
  pauseBetween,
} from './dialect.ts';
import type { DatabaseSinkOptions } from './options.ts';
import type { Row, Value } from './row.ts';
import { list, qualified } from './schema.ts';
import { blame, isBusy } from './sqlite-errors.ts';
import type { Column, ColumnType, Table } from './table.ts';

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

const grammar: Grammar = {
  quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
  typeOf: ({ type }: Column) => types[type],
  // Otherwise a text would go into an INTEGER column.
  tableOptions: () => ' STRICT',
  furtherStatements: () => [],
};

export const sqlite: Dialect = {
  ...grammar,
  name: 'SQLite',
  protocols: ['sqlite:'],
  lacks: ['schema', 'partition'],
  isLocal: true,
  checkUrl: (url) => void decodeURIComponent(url.pathname),
  open: async (options, table) => new SqliteDatabase(options, table),
};

class SqliteDatabase implements Database {
  readonly place: string;
  readonly blame: (error: unknown) => Blame = blame;
  readonly #path: string;
  readonly #table: Table;
  readonly #options: DatabaseSinkOptions;
  #open: { database: DatabaseSync; insert: StatementSync | undefined; inode: number } | undefined;
  /** One transaction at a time: deliveries and tidying share the connection. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: DatabaseSinkOptions, table: Table) {
    this.#options = options;
    this.#table = table;
    this.#path = decodeURIComponent(new URL(options.url).pathname);
    this.place = `SQLite in ${this.#path}`;
  }

  async inspect(): Promise<Found | undefined> {
    return this.#look(this.#current().database);
  }

  migrate(statementsFor: (found: Found | undefined) => readonly string[]): Promise<void> {
    return this.#transaction((database) => {
      for (const statement of statementsFor(this.#look(database))) database.exec(statement);
    });
  }

  insert(rows: readonly Row[], signal: AbortSignal): Promise<void> {
    return this.#transaction(() => {
      const current = this.#current();
      current.insert ??= current.database.prepare(insertStatement(this.#table));
      for (const { values } of rows) current.insert.run(...values.map(sqlValue));
    }, signal);
  }

  async tidy(cutoff: number | undefined, signal: AbortSignal): Promise<void> {
    if (cutoff === undefined) return;
    const name = qualified(this.#table, grammar);
    const statement = `DELETE FROM ${name} WHERE rowid IN (SELECT rowid FROM ${name} WHERE occurred_at < ? LIMIT ?)`;
    for (;;) {
      const deleted = await this.#transaction(
        (database) => database.prepare(statement).run(new Date(cutoff).toISOString(), deletedAtOnce).changes,
        signal,
      );
      if (Number(deleted) < deletedAtOnce) return;
      await delay(pauseBetween, undefined, { signal });
    }
  }

  async close(): Promise<void> {
    await this.#queue;
    this.#forget();
  }

  #look(database: DatabaseSync): Found | undefined {
    const { name } = this.#table;
    const columns = database.prepare('SELECT name, type, pk FROM pragma_table_info(?) ORDER BY pk').all(name);
    if (columns.length === 0) return undefined;
    const indexes = database.prepare('SELECT name, "unique" AS isUnique FROM pragma_index_list(?) WHERE NOT partial');
    const parts = database.prepare('SELECT name FROM pragma_index_info(?) ORDER BY seqno');
    const namesOf = (rows: Record<string, unknown>[]) => rows.map((row) => String(row.name));
    return {
      columns: new Map(columns.map(({ name, type }) => [String(name), String(type)])),
      indexes: [
        ...indexes.all(name).map((index) => ({
          unique: index.isUnique === 1,
          columns: namesOf(parts.all(String(index.name))),
        })),
        // The primary key is in no list of indexes where it is an integer.
        { unique: true, columns: namesOf(columns.filter(({ pk }) => Number(pk) > 0)) },
      ],
      partitioned: false,
    };
  }

  /** Does the work in one transaction. A lock that somebody else holds is waited for without holding up the process. */
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
        if (blame(error).on !== 'row') this.#forget();
        throw error;
      }
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** False where somebody else is writing just now, who may go on for a while unless this was the last try. */
  #begin(isLast: boolean): boolean {
    try {
      this.#current().database.exec('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (isBusy(error) && !isLast) return false;
      this.#forget();
      throw error;
    }
  }

  /** The open database, if it is still the one at its path: what is written to a file that was removed is lost. */
  #current(): { database: DatabaseSync; insert: StatementSync | undefined } {
    if (this.#open !== undefined && inodeOf(this.#path) !== this.#open.inode) this.#forget();
    this.#open ??= openFile(this.#path);
    return this.#open;
  }

  #forget(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }
}

/** Between two tries of a database that somebody else is writing to, in milliseconds. */
const busyPause = 20;

function openFile(path: string): { database: DatabaseSync; insert: undefined; inode: number } {
  makeFolder(dirname(path), 0o750);
  // SQLite would let everybody read a file that it makes.
  makeNamedFile(path, 0o640);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Once it is WAL it stays so, and whoever reads it doesn't keep us from writing.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    return { database, insert: undefined, inode: inodeOf(path) ?? 0 };
  } catch (error) {
    database.close();
    throw error;
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function insertStatement(table: Table): string {
  const names = table.columns.map(({ name }) => name);
  return (
    `INSERT INTO ${qualified(table, grammar)} (${list(names, grammar)}) VALUES (${names.map(() => '?').join(', ')}) ` +
    `ON CONFLICT (${list(table.key, grammar)}) DO NOTHING`
  );
}

function sqlValue(value: Value): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value;
}
