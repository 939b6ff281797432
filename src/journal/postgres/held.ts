import type { Queryable } from './connection.ts';

/** For so long after its last sign of life, a daemon's routes hold back retention: it may be started again. Milliseconds. */
const heldAfter = 86_400_000;

/** What holds back retention: the routes of all configurations that are in use. */
export interface Held {
  readonly routes: readonly string[];
  /** Up to where all of them have come; null where there are none, and nobody knows what they still have to deliver. */
  readonly through: number | null;
  /** The same of those that deliver what is invalid. */
  readonly deliveringThrough: number;
}

/** Also where a daemon of another configuration has a route: while it is changed on one machine after the other, say. */
export async function heldBack(within: Queryable): Promise<Held> {
  const rows = await within.query<{ route: string; delivers: boolean; cursor: number | null }>(
    `SELECT living.route, living.delivers, newest.cursor
     FROM (
       SELECT g.route, bool_or(g.delivers_invalid) AS delivers FROM registrations g
       WHERE EXISTS (SELECT FROM daemons d WHERE d.name = g.name AND last_sign_of(d) > now_ms() - $1::bigint) GROUP BY g.route
     ) living
     LEFT JOIN LATERAL (
       SELECT cursor FROM progress p WHERE p.route = living.route ORDER BY epoch DESC, n DESC LIMIT 1
     ) newest ON true`,
    [heldAfter],
  );
  // One that an operator has made forgotten begins anew.
  const placed = rows.filter(({ cursor }) => cursor !== null);
  const leastOf = (some: typeof rows) => some.reduce((least, { cursor }) => Math.min(least, Number(cursor)), Infinity);
  return {
    routes: rows.map(({ route }) => route),
    through: placed.length === 0 ? null : leastOf(placed),
    deliveringThrough: leastOf(placed.filter(({ delivers }) => delivers)),
  };
}

/**
 * Forgets runs of daemons that ended long ago, and the routes that only they had: what waits for these holds nothing any
 * more. A run that has a route still isn't forgotten. @param after milliseconds @returns whether there is more to do
 */
export async function forgetDaemons(within: Queryable, after: number): Promise<boolean> {
  const gone = 'last_sign_of(d) < now_ms() - $1::bigint AND NOT EXISTS (SELECT FROM routes WHERE holder = d.holder)';
  const longest = [Math.ceil(Math.min(Math.max(after, heldAfter), Number.MAX_SAFE_INTEGER / 2))];
  await within.query(
    `WITH forgotten AS (DELETE FROM daemons d WHERE ${gone} RETURNING holder)
     DELETE FROM beats WHERE holder IN (SELECT holder FROM forgotten)`,
    longest,
  );
  await within.query('DELETE FROM registrations g WHERE NOT EXISTS (SELECT FROM daemons d WHERE d.name = g.name)');
  return false;
}
