import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isSqliteError } from '../../../common/sqlite.ts';
import { isHead } from '../rows.ts';
import type { Row } from './carve.ts';
import { type Shape, tableShape } from './shape.ts';

/** Columns that hold JSON, and what tells that no bytes were overwritten in the middle of it. */
const wholeness = new Map([
  ['head', isHead],
  ['data', isJson],
  ['attempts', isJson],
]);

type Table = 'notifications' | 'deliveries';

/**
 * The rows of a table on their way from an old journal into a new one: of two versions of a row the later one stays.
 */
export class RowWriter implements Shape {
  readonly of = 'table';
  readonly columns: Shape['columns'];
  readonly #database: DatabaseSync;
  readonly #table: Table;
  /** By the number of columns that a row has. */
  readonly #inserts = new Map<number, StatementSync>();

  constructor(database: DatabaseSync, table: Table) {
    this.columns = tableShape(database, table).columns;
    this.#database = database;
    this.#table = table;
  }

  /** False where a value was overwritten. */
  isWhole({ values }: Row): boolean {
    return this.columns.every(({ name }, index) => {
      const value = values[index];
      return typeof value !== 'string' || (wholeness.get(name)?.(value) ?? true);
    });
  }

  /** Says what became of it: `displaced` where its place was overwritten, and isn't known or is another row's. */
  write(row: Row): 'written' | 'refused' | 'displaced' {
    if (!this.isWhole(row)) return 'refused';
    if (this.#table === 'notifications' && row.rowid < 1) return 'displaced';
    // A notification's `seq` is its rowid: there is none in the record.
    const values = this.#table === 'notifications' ? row.values.slice(1) : row.values;
    try {
      const { changes } = this.#insertOf(row.values.length).run(row.rowid, ...values);
      return changes === 0 ? 'displaced' : 'written';
    } catch (error) {
      if (isSqliteError(error, [constraint])) return 'refused';
      throw error;
    }
  }

  #insertOf(length: number): StatementSync {
    let insert = this.#inserts.get(length);
    if (insert === undefined) {
      const columns = this.columns.slice(0, length).map(({ name }) => name);
      insert = this.#database.prepare(inserts[this.#table](columns));
      this.#inserts.set(length, insert);
    }
    return insert;
  }
}

const inserts: Record<Table, (columns: readonly string[]) => string> = {
  notifications: (columns) => `
    INSERT INTO notifications (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (id) DO UPDATE SET ${columns
      .slice(1)
      .map((column) => `${column} = excluded.${column}`)
      .join(', ')}
    ON CONFLICT (seq) DO NOTHING`,
  // A line's rowid only gives an order: where another one has it, any will do.
  deliveries: (columns) => `
    INSERT OR REPLACE INTO deliveries (rowid, ${columns.join(', ')})
    VALUES (CASE WHEN NOT EXISTS (SELECT 1 FROM deliveries WHERE rowid = ?1) THEN ?1 END${columns.map(() => ', ?').join('')})`,
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** SQLite's result code for a row that the table's definition refuses. */
const constraint = 19;
