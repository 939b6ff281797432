import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** The pages of a journal's file that a notification lies on: its leaf, and what it has of overflow pages. */
export interface PlacedRow {
  readonly id: string;
  readonly pages: readonly number[];
}

/** Where the notifications of a healthy journal lie, as SQLite's own table of statistics says it. */
export function placesOf(file: string): PlacedRow[] {
  const ids = rowsIn(file, 'SELECT id FROM notifications ORDER BY seq').map(({ id }) => String(id));
  const places: { path: string; pages: number[] }[] = [];
  const pages = "SELECT path, pageno, pagetype, ncell FROM dbstat WHERE name = 'notifications' ORDER BY path";
  for (const { path, pageno, pagetype, ncell } of rowsIn(file, pages)) {
    // The cells of a leaf are rows in their order; the path of an overflow page is that of its leaf, and the cell's
    // number.
    if (pagetype === 'leaf')
      for (let cell = 0; cell < Number(ncell); cell += 1)
        places.push({ path: `${path}${cell.toString(16).padStart(3, '0')}`, pages: [Number(pageno)] });
    const [cellPath] = String(path).split('+');
    if (pagetype === 'overflow') places.find((place) => place.path === cellPath)?.pages.push(Number(pageno));
  }
  return ids.map((id, index) => ({ id, pages: places[index]?.pages ?? [] }));
}

/**
 * The numbers of the pages that a table or an index has in a healthy journal: all, its leaves, or those that lead to
 * them.
 */
export function pagesOf(file: string, name: string, type?: 'leaf' | 'internal'): number[] {
  const ofType = type === undefined ? '' : `AND pagetype = '${type}'`;
  const pages = rowsIn(file, `SELECT pageno FROM dbstat WHERE name = '${name}' ${ofType} ORDER BY path`);
  return pages.map(({ pageno }) => Number(pageno));
}

export function rowsIn(file: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** @param what bytes, or how many random ones */
export function overwrite(file: string, position: number, what: number | Buffer): void {
  const descriptor = openSync(file, 'r+');
  const bytes = typeof what === 'number' ? randomBytes(what) : what;
  writeSync(descriptor, bytes, 0, bytes.length, position);
  closeSync(descriptor);
}
