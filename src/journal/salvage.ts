import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type PlacedRow, ReadableTable, readableRows, type Span } from './readable.ts';

/** Rows that came over, and places whose rows didn't: at most so many, for a place may have been empty before. */
interface Count {
  saved: number;
  lost: number;
}

export interface Salvaged {
  readonly notifications: Count;
  readonly deliveries: Count;
  /** Deliveries whose line can't be read, and that will be made again: they count as saved. */
  readonly relisted: number;
  /** Routes that begin again at the oldest entry, because how far they were can't be read. */
  readonly restarted: readonly string[];
}

/** Rows that go into the new journal with one commit. */
const commitEvery = 2_000;

/**
 * Brings what can be read of a damaged journal into an empty one. Rows are reached through the pages that lead to them: one
 * such page that is lost hides all behind it, some hundreds of pages, from us. Whatever can't be told is decided for delivering twice,
 * never for not at all.
 * @param routes the configuration's, which must not begin at the newest entry as a new one would
 */
export function salvage(from: DatabaseSync, to: DatabaseSync, routes: readonly string[]): Salvaged {
  const known = cursorsIn(from);
  const { count: notifications } = copy(from, to, 'notifications', spanOf(from, known.cursors), isWhole);
  const exists = to.prepare('SELECT 1 FROM notifications WHERE seq = ?');
  const hasEntry = (row: PlacedRow) => isWhole(row) && exists.get(row.seq ?? null) !== undefined;
  const { count: deliveries, complete } = copy(from, to, 'deliveries', { oldest: 1, newest: 0 }, hasEntry);
  const listed = relist(from, to);
  const canTellListed = complete || listed.complete;

  const names = new Set([...known.cursors.keys(), ...routes, ...routesListed(to)]);
  // A route that is new in the configuration is only told from one that can't be read where all of them can be.
  const restarted = [...names].filter((name) => !(canTellListed && (known.complete || known.cursors.has(name))));
  const oldest = Number(to.prepare('SELECT ifnull(min(seq) - 1, 0) AS cursor FROM notifications').get()?.cursor);
  const save = to.prepare('INSERT OR REPLACE INTO routes (name, cursor) VALUES (?, ?)');
  for (const [name, cursor] of known.cursors) save.run(name, cursor);
  for (const name of restarted) save.run(name, oldest);
  return { notifications, deliveries, relisted: listed.relisted, restarted };
}

/** The routes' cursors: read from both ends, because one page that can't be read must not hide those behind it. */
function cursorsIn(from: DatabaseSync): { cursors: Map<string, number>; complete: boolean } {
  const cursors = new Map<string, number>();
  const readFrom = (order: 'ASC' | 'DESC') => {
    try {
      for (const row of from.prepare(`SELECT name, cursor FROM routes ORDER BY name ${order}`).iterate()) {
        const { name, cursor } = row;
        if (typeof name === 'string' && typeof cursor === 'number' && cursor >= 0) cursors.set(name, cursor);
      }
      return true;
    } catch {
      return false;
    }
  };
  return { complete: readFrom('ASC') || readFrom('DESC'), cursors };
}

/** Where the entries were: an index has their places too, and routes have been there. */
function spanOf(from: DatabaseSync, cursors: ReadonlyMap<string, number>): Span {
  const endOf = (order: 'ASC' | 'DESC') => {
    try {
      const index = 'notifications INDEXED BY sqlite_autoindex_notifications_1';
      return Number(from.prepare(`SELECT seq FROM ${index} ORDER BY id ${order} LIMIT 1`).get()?.seq ?? 0);
    } catch {
      return 0;
    }
  };
  return { oldest: Math.max(1, endOf('ASC')), newest: Math.max(0, endOf('DESC'), ...cursors.values()) };
}

/** Copies the rows of a table that can be read and are `good`, with their places. */
function copy(
  from: DatabaseSync,
  to: DatabaseSync,
  table: string,
  span: Span,
  good: (row: PlacedRow) => boolean,
): { count: Count; complete: boolean } {
  const count = { saved: 0, lost: 0 };
  let complete = true;
  const columns = commonColumns(from, to, table);
  const insert = to.prepare(
    `INSERT OR IGNORE INTO ${table} (rowid, ${columns.join(', ')}) VALUES (?${', ?'.repeat(columns.length)})`,
  );
  const missing = (places: number) => {
    count.lost += places;
    complete = false;
  };
  const old = openTable(from, table, columns);
  if (old === null) return { count: { saved: 0, lost: Math.max(0, span.newest - span.oldest + 1) }, complete: false };
  let uncommitted = 0;
  to.exec('BEGIN');
  for (const row of readableRows(old, span, missing)) {
    const values = [row.place, ...columns.map((column) => row[column])] as SQLInputValue[]; // the columns selected
    if (good(row) && inserted(insert, values)) count.saved += 1;
    else count.lost += 1;
    uncommitted += 1;
    if (uncommitted < commitEvery) continue;
    to.exec('COMMIT; BEGIN');
    uncommitted = 0;
  }
  to.exec('COMMIT');
  return { count, complete };
}

function openTable(from: DatabaseSync, table: string, columns: readonly string[]): ReadableTable | null {
  try {
    return new ReadableTable(from, table, columns);
  } catch {
    return null;
  }
}

/** A damaged journal may be older than the new one, whose other columns have defaults then. */
function commonColumns(from: DatabaseSync, to: DatabaseSync, table: string): string[] {
  const columnsOf = (database: DatabaseSync) => {
    try {
      return database
        .prepare('SELECT name FROM pragma_table_info(?)')
        .all(table)
        .map((row) => String(row.name));
    } catch {
      return [];
    }
  };
  const old = new Set(columnsOf(from));
  const all = columnsOf(to);
  const common = all.filter((column) => old.has(column));
  // Where even that can't be read, reading rows will fail too, and be counted.
  return common.length === 0 ? all : common;
}

/** SQLite's result code for a row that the table's definition refuses. */
const constraint = 19;

function inserted(insert: StatementSync, values: readonly SQLInputValue[]): boolean {
  try {
    return insert.run(...values).changes > 0;
  } catch (error) {
    if (Error.isError(error) && 'errcode' in error && (Number(error.errcode) & 0xff) === constraint) return false;
    throw error;
  }
}

/** False where bytes were overwritten in the middle of a value: SQLite doesn't see that, but our JSON does. */
function isWhole(row: PlacedRow): boolean {
  try {
    for (const column of ['data', 'problems', 'secrets', 'attempts']) {
      const value = row[column];
      if (typeof value === 'string') JSON.parse(value);
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * Lists again, as due at once, the deliveries whose lines can't be read but whose index entries can.
 * Returns `complete: false` where that index can't be read to its end either.
 */
function relist(from: DatabaseSync, to: DatabaseSync): { relisted: number; complete: boolean } {
  const list = to.prepare(`
    INSERT OR IGNORE INTO deliveries (route, seq, account_id, state, reason, attempts, due_at, updated_at)
    SELECT ?1, seq, account_id, CASE ?1 WHEN '' THEN 'undecodable' ELSE 'waiting' END, 'its line was damaged', '[]', 0, ?3
    FROM notifications WHERE seq = ?2`);
  let relisted = 0;
  to.exec('BEGIN');
  try {
    const index = from.prepare('SELECT route, seq FROM deliveries INDEXED BY sqlite_autoindex_deliveries_1');
    index.setReadBigInts(true);
    for (const { route, seq } of index.iterate()) {
      if (inserted(list, [route ?? null, seq ?? null, Date.now()])) relisted += 1;
    }
    return { relisted, complete: true };
  } catch (error) {
    if (!to.isTransaction) throw error;
    return { relisted, complete: false };
  } finally {
    if (to.isTransaction) to.exec('COMMIT');
  }
}

function routesListed(to: DatabaseSync): string[] {
  const rows = to.prepare("SELECT DISTINCT route FROM deliveries WHERE route <> ''").all();
  return rows.map((row) => String(row.route));
}
