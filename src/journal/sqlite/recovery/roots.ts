import type { DatabaseSync } from 'node:sqlite';
import { walk } from './carve.ts';
import type { Pages } from './pages.ts';
import type { Shape } from './shape.ts';

/**
 * Where the trees of a journal's tables and indexes begin, by their names. The tree that says it begins on page 1;
 * where that is lost, they are where they are in a new journal: the same is made, in the same order, before anything
 * else.
 */
export function rootsOf(pages: Pages, fresh: DatabaseSync): Map<string, number> {
  const made = fresh.prepare('SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0').all();
  const roots = new Map(made.map(({ name, rootpage }) => [String(name), Number(rootpage)]));
  walk(pages, 1, schemaShape, ({ values: [_type, name, _table, root] }) => {
    if (typeof name !== 'string' || typeof root !== 'number') return false;
    if (roots.has(name)) roots.set(name, root);
    return true;
  });
  return roots;
}

const schemaShape: Shape = {
  of: 'table',
  columns: ['type', 'name', 'tbl_name', 'rootpage', 'sql'].map((name) => ({ name, fits: () => true, mayLack: false })),
};
