import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isSqliteError } from '../../../common/sqlite.ts';
import { isHead } from '../rows.ts';
import { carve, type Row } from './carve.ts';
import type { PageFile } from './pages.ts';
import { indexShape, type Shape, tableShape } from './record.ts';

/** Between which places there were entries, whether they could be read or not. */
export interface Span {
  readonly oldest: number;
  readonly newest: number;
}

/**
 * The entries of two indexes, and of no third: of deliveries by `route` and `seq`; of notifications by `id`, where it
 * is one.
 */
export const byRoute = indexShape('TEXT', 'INTEGER', 'INTEGER');
const byId = indexShape('TEXT', 'INTEGER');
const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Copies notifications and deliveries, newer versions over older ones. Of what was listed, also where only the index
 * tells it, `temp.listed` has a line then.
 * @param furthest how far any route was
 */
export function copyRows({ pages, inLog }: PageFile, to: DatabaseSync, furthest: number): Span {
  const notifications = new NotificationWriter(to, furthest);
  const deliveries = new RowWriter(to, 'deliveries');
  to.exec('CREATE TEMP TABLE listed (route TEXT, seq INTEGER, UNIQUE (route, seq))');
  const list = to.prepare('INSERT OR IGNORE INTO listed VALUES (?, ?)');
  const listed = ({ values: [route = null, seq = null] }: Row) => list.run(route, seq);
  const take = new Map<Shape, (row: Row) => void>([
    [notifications.shape, (row) => notifications.write(row)],
    [
      deliveries,
      (row) => {
        deliveries.write(row);
        // An incomplete one still names its entry.
        listed(row);
      },
    ],
    [byId, ({ values: [id, seq] }) => idPattern.test(String(id)) && notifications.reach(Number(seq))],
    [byRoute, listed],
  ]);
  for (const numbers of [numbersBut(inLog, pages.count), inLog])
    inCommits(to, carve(pages, numbers, [...take.keys()]), ([shape, row]) => take.get(shape)?.(row));
  notifications.finish();
  return notifications.span;
}

function* numbersBut(others: ReadonlySet<number>, last: number): Generator<number> {
  for (let number = 1; number <= last; number += 1) if (!others.has(number)) yield number;
}

/** Rows that go into the new journal with one commit. */
const commitEvery = 2_000;

function inCommits<T>(to: DatabaseSync, items: Iterable<T>, work: (item: T) => void): void {
  let uncommitted = 0;
  to.exec('BEGIN');
  for (const item of items) {
    work(item);
    uncommitted += 1;
    if (uncommitted % commitEvery === 0) to.exec('COMMIT; BEGIN');
  }
  to.exec('COMMIT');
}

/** Bytes of notifications that are in memory because their place isn't known; no more of them are saved. */
const roomForDisplaced = 16 * 1024 * 1024;

class NotificationWriter {
  readonly shape: RowWriter;
  readonly #exists;
  readonly #displaced: Row[] = [];
  #room = roomForDisplaced;
  #oldest = Number.POSITIVE_INFINITY;
  #newest: number;

  constructor(to: DatabaseSync, furthest: number) {
    this.#newest = furthest;
    this.shape = new RowWriter(to, 'notifications');
    this.#exists = to.prepare('SELECT 1 FROM notifications WHERE id = ?');
  }

  get span(): Span {
    return { oldest: Number.isFinite(this.#oldest) ? this.#oldest : 1, newest: this.#newest };
  }

  /** There was an entry at this place. */
  reach(seq: number): void {
    this.#oldest = Math.min(this.#oldest, seq);
    this.#newest = Math.max(this.#newest, seq);
  }

  write(row: Row): void {
    const outcome = this.shape.write(row);
    if (outcome === 'written') this.reach(row.rowid);
    if (outcome !== 'displaced' || row.size > this.#room) return;
    this.#displaced.push(row);
    this.#room -= row.size;
  }

  /**
   * Appends rows of unknown position at the end, which no route has passed: a repeated delivery is better than a lost
   * one.
   */
  finish(): void {
    for (const row of this.#displaced) {
      // Some are only a second way to a row that there is.
      const [, id = null] = row.values;
      if (this.#exists.get(id) !== undefined) continue;
      const next = this.#newest + 1;
      if (this.shape.write({ ...row, rowid: next }) === 'written') this.reach(next);
    }
  }
}

/** Columns with JSON, and a test that no bytes in the middle were overwritten. */
const wholeness = new Map([
  ['head', isHead],
  ['data', isJson],
  ['attempts', isJson],
]);

type Table = 'notifications' | 'deliveries';

/**
 * The rows of a table on their way from an old journal into a new one: of two versions of a row the later one stays.
 */
class RowWriter implements Shape {
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

  /** Returns the result: `displaced` if its position was overwritten, and is unknown or another row's. */
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
