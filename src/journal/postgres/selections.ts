import type { SelectionVersion } from '../reader.ts';
import type { Queryable } from './connection.ts';

/**
 * Notes what a route selects from its place on, where that isn't what it did before. With several daemons, the one that
 * was configured last says it.
 * @param selection null where it isn't known
 */
export async function saveSelection(database: Queryable, route: string, selection: object | null): Promise<void> {
  const text = selection === null ? null : JSON.stringify(selection);
  await database.query(
    `INSERT INTO selections (route, after, selection)
     SELECT $1, p.cursor, $2 FROM (SELECT cursor FROM progress WHERE route = $1 ORDER BY epoch DESC, n DESC LIMIT 1) p
     WHERE NOT EXISTS (
       SELECT FROM (SELECT selection FROM selections WHERE route = $1 ORDER BY after DESC LIMIT 1) latest
       WHERE latest.selection IS NOT DISTINCT FROM $2)
     ON CONFLICT (route, after) DO UPDATE SET at = excluded.at, selection = excluded.selection`,
    [route, text],
  );
}

/** All that the journal knows, of each route the newest first. */
export async function selectionVersions(database: Queryable): Promise<SelectionVersion[]> {
  const rows = await database.query<Omit<SelectionVersion, 'selection'> & { readonly selection: string | null }>(
    'SELECT route, after, at, selection FROM selections ORDER BY route, after DESC',
  );
  return rows.map(({ route, after, at, selection }) => ({
    route,
    after,
    at,
    selection: selection === null ? null : (JSON.parse(selection) as object), // as `saveSelection` wrote it
  }));
}
