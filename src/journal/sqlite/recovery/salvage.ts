import type { DatabaseSync } from 'node:sqlite';
import { eventOfEntry } from '../deliveries.ts';
import { countAll } from '../migrations.ts';
import { walk } from './carve.ts';
import { byRoute, copyRows, type Span } from './copy.ts';
import { openPages, type Pages } from './pages.ts';
import { indexShape, type Shape, tableShape } from './record.ts';

/** How much was recovered, and how much is known to be lost; places that were empty before count as lost, too. */
interface Count {
  readonly saved: number;
  readonly lost: number;
}

export interface Salvaged {
  readonly notifications: Count;
  readonly deliveries: Count;
  /** Deliveries whose line can't be read, and that will be made again: they count as saved. */
  readonly relisted: number;
  /** Routes that begin again at the oldest entry, because how far they were can't be read. */
  readonly restarted: readonly string[];
}

/**
 * Brings what can be read of a damaged journal into an empty one. Whatever can't be told is decided for delivering
 * twice, never for not at all.
 * @param routes the configuration's, which must not begin at the newest entry as a new one would
 */
export function salvage(file: string, to: DatabaseSync, routes: readonly string[]): Salvaged {
  const old = openPages(file);
  try {
    const roots = rootsOf(old.pages, to);
    const known = cursorsIn(old.pages, roots);
    const span = copyRows(old, to, Math.max(0, ...known.cursors.values()));
    const relisted = relist(to);
    const restarted = placeCursors(known, canTellListed(old.pages, roots, to), to, routes);
    keepDecisions(old.pages, roots, to);
    groupAnew(to);
    return { notifications: countNotifications(to, span), deliveries: countDeliveries(to), relisted, restarted };
  } finally {
    old.close();
  }
}

/**
 * Where the trees of a journal's tables and indexes begin, by their names. The tree that says it begins on page 1;
 * where that is lost, they are where they are in a new journal: the same is made, in the same order, before anything
 * else.
 */
function rootsOf(pages: Pages, fresh: DatabaseSync): Map<string, number> {
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

/**
 * Lists again, as due at once, the deliveries of which only the index tells; and leaves out those of which the entry is
 * lost.
 */
function relist(to: DatabaseSync): number {
  to.exec('DELETE FROM deliveries WHERE seq NOT IN (SELECT seq FROM notifications)');
  const { changes } = to
    .prepare(`
      INSERT OR IGNORE INTO deliveries (route, seq, account_id, state, reason, attempts, due_at, updated_at)
      SELECT route, seq, account_id, iif(route = '', 'undecodable', 'waiting'), 'its line was damaged', '[]', ?1, ?1
      FROM listed JOIN entries USING (seq) ORDER BY seq`)
    .run(Date.now());
  return Number(changes);
}

/** A record that was made before records had an event gets it; and all are counted anew. */
function groupAnew(to: DatabaseSync): void {
  to.exec(`
    UPDATE deliveries SET event = ifnull((SELECT ${eventOfEntry} FROM notifications n WHERE n.seq = deliveries.seq), '') WHERE event = '';
    DELETE FROM delivery_groups; DELETE FROM delivery_totals; ${countAll}`);
}

/** Gives each route its place; returns those of which it can't be told, and that begin anew. */
function placeCursors(known: Cursors, listedIsKnown: boolean, to: DatabaseSync, routes: readonly string[]): string[] {
  const names = new Set([...known.cursors.keys(), ...routes, ...routesListed(to)]);
  // A route that is new in the configuration is only told from one that can't be read where all of them can be.
  const isKnown = (name: string) => known.complete || known.cursors.has(name);
  const restarted = listedIsKnown ? [...names].filter((name) => !isKnown(name)) : [...names];
  const oldest = Number(to.prepare('SELECT ifnull(min(seq) - 1, 0) AS cursor FROM notifications').get()?.cursor);
  const save = to.prepare('INSERT OR REPLACE INTO routes (name, cursor) VALUES (?, ?)');
  for (const [name, cursor] of known.cursors) save.run(name, cursor);
  for (const name of restarted) save.run(name, oldest);
  // As in a journal from before there were any: the selection is unknown.
  to.exec('INSERT INTO selections SELECT name, -1, 0, NULL FROM routes');
  return restarted;
}

interface Cursors {
  readonly cursors: ReadonlyMap<string, number>;
  /** False where there may have been others. */
  readonly complete: boolean;
}

function cursorsIn(pages: Pages, roots: ReadonlyMap<string, number>): Cursors {
  const cursors = new Map<string, number>();
  const complete = walk(
    pages,
    roots.get('routes') ?? 0,
    indexShape('TEXT', 'INTEGER'),
    ({ values: [name, cursor] }) => {
      if (typeof name !== 'string' || typeof cursor !== 'number' || cursor < 0) return false;
      cursors.set(name, cursor);
      return true;
    },
  );
  return { cursors, complete };
}

/** True if all recorded deliveries are known: their table is intact, or the index that has each row of it. */
function canTellListed(pages: Pages, roots: ReadonlyMap<string, number>, to: DatabaseSync): boolean {
  const rootOf = (name: string) => roots.get(name) ?? 0;
  return (
    walk(pages, rootOf('deliveries'), tableShape(to, 'deliveries'), () => true) ||
    walk(pages, rootOf('sqlite_autoindex_deliveries_1'), byRoute, () => true)
  );
}

/** Operators' decisions that aren't in the deliveries: paused routes, and the audit. */
function keepDecisions(pages: Pages, roots: ReadonlyMap<string, number>, to: DatabaseSync): void {
  const pause = to.prepare('INSERT OR REPLACE INTO paused (route, at, who) VALUES (?, ?, ?)');
  walk(pages, roots.get('paused') ?? 0, indexShape('TEXT', 'INTEGER', 'TEXT'), ({ values: [route, at, who] }) => {
    pause.run(route ?? null, at ?? null, who ?? null);
    return true;
  });
  const act = to.prepare(
    'INSERT OR REPLACE INTO audit SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(json_valid(?8), ?8, NULL) WHERE json_valid(?6)',
  );
  walk(pages, roots.get('audit') ?? 0, tableShape(to, 'audit'), ({ rowid, values: [_number, ...values] }) => {
    act.run(rowid, ...values);
    return true;
  });
}

function routesListed(to: DatabaseSync): string[] {
  const rows = to.prepare("SELECT DISTINCT route FROM deliveries WHERE route <> ''").all();
  return rows.map((row) => String(row.route));
}

function countNotifications(to: DatabaseSync, { oldest, newest }: Span): Count {
  const saved = Number(to.prepare('SELECT count(*) AS saved FROM notifications').get()?.saved);
  return { saved, lost: Math.max(0, newest - oldest + 1 - saved) };
}

function countDeliveries(to: DatabaseSync): Count {
  return to
    .prepare(`
      SELECT (SELECT count(*) FROM deliveries) AS saved,
        (SELECT count(*) FROM (SELECT route, seq FROM listed EXCEPT SELECT route, seq FROM deliveries)) AS lost`)
    .get() as unknown as Count; // its two columns
}
