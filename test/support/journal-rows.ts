import { DatabaseSync } from 'node:sqlite';

/** The pages of a journal's file that a notification lies on: its leaf, and what it has of overflow pages. */
export interface PlacedRow {
  readonly id: string;
  readonly pages: readonly number[];
}

/** Where the notifications of a healthy journal lie, as SQLite's own table of statistics says it. */
export function placesOf(file: string): PlacedRow[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const ids = database
      .prepare('SELECT id FROM notifications ORDER BY seq')
      .all()
      .map(({ id }) => String(id));
    const pages = database
      .prepare("SELECT path, pageno, pagetype, ncell FROM dbstat WHERE name = 'notifications' ORDER BY path")
      .all();
    const places: { path: string; pages: number[] }[] = [];
    for (const { path, pageno, pagetype, ncell } of pages) {
      // The cells of a leaf are rows in their order; the path of an overflow page is that of its leaf, and the cell's number.
      if (pagetype === 'leaf')
        for (let cell = 0; cell < Number(ncell); cell += 1)
          places.push({ path: `${path}${cell.toString(16).padStart(3, '0')}`, pages: [Number(pageno)] });
      const [cellPath] = String(path).split('+');
      if (pagetype === 'overflow') places.find((place) => place.path === cellPath)?.pages.push(Number(pageno));
    }
    return ids.map((id, index) => ({ id, pages: places[index]?.pages ?? [] }));
  } finally {
    database.close();
  }
}

/** The numbers of a healthy journal's pages: those of a table or index, those that lead to others, or those that are unused. */
export function pagesOf(file: string, name: string, type?: 'leaf' | 'internal'): number[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database
      .prepare('SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ifnull(?, pagetype) ORDER BY path')
      .all(name, type ?? null)
      .map(({ pageno }) => Number(pageno));
  } finally {
    database.close();
  }
}
