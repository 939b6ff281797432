import type { DatabaseSync } from 'node:sqlite';
import type { SelectionVersion } from '../reader.ts';

/**
 * Records what a route selects from now on, if that has changed.
 * @param selection null if it is unknown
 */
export function saveSelection(database: DatabaseSync, route: string, selection: object | null): void {
  const text = selection === null ? null : JSON.stringify(selection);
  const latest = database
    .prepare('SELECT selection FROM selections WHERE route = ? ORDER BY after DESC LIMIT 1')
    .get(route);
  if (latest !== undefined && latest.selection === text) return;
  database
    .prepare('INSERT OR REPLACE INTO selections SELECT name, cursor, ?, ? FROM routes WHERE name = ?')
    .run(Date.now(), text, route);
}

/** All that the journal knows, of each route the newest first. */
export function selectionVersions(database: DatabaseSync): SelectionVersion[] {
  return database
    .prepare('SELECT route, after, at, selection FROM selections ORDER BY route, after DESC')
    .all()
    .map(({ route, after, at, selection }) => ({
      route: String(route),
      after: Number(after),
      at: Number(at),
      selection: selection === null ? null : (JSON.parse(String(selection)) as object), // as `saveSelection` wrote it
    }));
}

/** Every route that the journal has had and not forgotten. */
export function selectionRoutes(database: DatabaseSync): string[] {
  return database
    .prepare('SELECT DISTINCT route FROM selections')
    .all()
    .map(({ route }) => String(route));
}

/** Forgets what was selected of entries that are all gone. */
export function dropOldSelections(database: DatabaseSync): void {
  database.exec(`
    DELETE FROM selections AS old WHERE EXISTS (
      SELECT 1 FROM selections AS next WHERE next.route = old.route AND next.after > old.after
        AND next.after < (SELECT min(seq) FROM notifications))`);
}
