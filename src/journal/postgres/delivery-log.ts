import { covers } from '../delivery-runs.ts';
import type { LoggedDelivery } from '../reader.ts';
import type { Queryable } from './connection.ts';

interface LogRow extends LoggedDelivery {
  readonly first: number;
  readonly gaps: readonly number[] | null;
}

/** What the log says of an entry: of each route the newest first, and nothing where it has no row of it. */
export async function loggedDeliveriesOf(database: Queryable, seq: number): Promise<LoggedDelivery[]> {
  const rows = await database.query<LogRow>(
    `SELECT known.route, first, gaps, outcome, at, code, attempts, by
     FROM (SELECT DISTINCT route FROM selections UNION SELECT '') known, LATERAL (
       (SELECT l.*, 0 AS part FROM delivery_log l
        WHERE l.route = known.route AND l.last = $1 AND l.gaps IS NULL ORDER BY l.number DESC)
       UNION ALL
       (SELECT l.*, 1 AS part FROM delivery_log l
        WHERE l.route = known.route AND l.last >= $1 AND l.gaps IS NOT NULL ORDER BY l.last LIMIT 1)
     ) found ORDER BY known.route = '', known.route, part, number DESC`,
    [seq],
  );
  return rows
    .filter(({ first, gaps }) => gaps === null || covers({ first, gaps }, seq))
    .map(({ route, outcome, at, code, attempts, by }) => ({ route, outcome, at, code, attempts, by }));
}

/** When the oldest row was written, in Unix milliseconds; null where there is none. */
export async function loggedSince(database: Queryable): Promise<number | null> {
  const [row] = await database.query<{ at: number }>('SELECT at FROM delivery_log ORDER BY number LIMIT 1');
  return row?.at ?? null;
}
