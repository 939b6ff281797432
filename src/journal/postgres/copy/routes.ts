import type { CopySource, SmallTable } from '../../folder-journals.ts';
import type { Copying } from '../../journal.ts';
import { storableJson } from '../arrays.ts';
import type { Queryable } from '../connection.ts';
import type { Places } from './places.ts';

/** Copies where routes stand, and what else is known of them and of the journal, within one transaction. Returns how many there are. */
export async function copyRoutes(
  within: Queryable,
  source: CopySource,
  places: Places,
  { routeIn }: Pick<Copying, 'routeIn'>,
): Promise<number> {
  const all = (table: SmallTable): (Record<string, unknown> & { route: string })[] =>
    source.all(table).map(({ route, ...row }) => ({ ...row, route: routeIn(String(route)) }));
  const put = (sql: string, rows: readonly object[]) => within.query(sql, [storableJson(rows)]);

  const routes = source.all('routes').map(({ route, cursor, seqs }) => ({
    route: routeIn(String(route)),
    cursor: places.through(Number(cursor)),
    ahead: (JSON.parse(String(seqs ?? '[]')) as number[]) // as settlements wrote them
      .filter((seq) => seq > Number(cursor))
      .flatMap((seq) => places.of(seq) ?? []),
  }));
  // One that is known there has delivered all that was there: it goes on behind what is copied.
  await put(
    `WITH given AS (SELECT * FROM jsonb_to_recordset($1::jsonb) x(route text, cursor bigint, ahead bigint[])),
       known AS (INSERT INTO routes AS r (route) SELECT route FROM given
         ON CONFLICT (route) DO UPDATE SET epoch = r.epoch + 1, holder = NULL RETURNING route, epoch)
     INSERT INTO progress (route, epoch, n, cursor, ahead)
       SELECT route, epoch, 0, cursor, ahead FROM given JOIN known USING (route)`,
    routes,
  );
  await put(
    `INSERT INTO dropped (route, seq) SELECT route, seq FROM jsonb_to_recordset($1::jsonb) x(route text, seq bigint)
     ON CONFLICT DO NOTHING`,
    all('dropped').flatMap(({ route, seq }) => {
      const place = places.of(Number(seq));
      return place === null ? [] : [{ route, seq: place }];
    }),
  );
  await put(
    `INSERT INTO selections (route, after, at, selection)
     SELECT route, after, at, selection FROM jsonb_to_recordset($1::jsonb) x(route text, after bigint, at bigint, selection text)
     ON CONFLICT (route, after) DO UPDATE SET at = excluded.at, selection = excluded.selection`,
    all('selections').map(({ after, ...row }) => ({
      ...{ ...row, after: Number(after) < 0 ? Number(after) : places.through(Number(after)) },
    })),
  );
  await put(
    `INSERT INTO paused (route, at, who) SELECT route, at, who FROM jsonb_to_recordset($1::jsonb) x(route text, at bigint, who text)
     ON CONFLICT DO NOTHING`,
    all('paused'),
  );
  await put(
    `INSERT INTO looks AS l (route, at) SELECT route, at FROM jsonb_to_recordset($1::jsonb) x(route text, at bigint)
     ON CONFLICT (route) DO UPDATE SET at = greatest(l.at, excluded.at)`,
    all('looks'),
  );
  await put(
    `INSERT INTO delivery_counts AS c (span, start, route, event, delivered, dead, quarantined, last)
     SELECT span, start, route, event, delivered, dead, quarantined, last FROM jsonb_to_recordset($1::jsonb)
       x(span bigint, start bigint, route text, event text, delivered bigint, dead bigint, quarantined bigint, last bigint)
     ON CONFLICT (span, start, route, event) DO UPDATE SET delivered = c.delivered + excluded.delivered, dead = c.dead + excluded.dead,
       quarantined = c.quarantined + excluded.quarantined, last = greatest(c.last, excluded.last)`,
    all('delivery_counts'),
  );
  await put(
    `INSERT INTO drift_found (event, path, keyword, known, count, first, last, example)
     SELECT event, path, keyword, known, count, first, last, example FROM jsonb_to_recordset($1::jsonb)
       x(event text, path text, keyword text, known boolean, count bigint, first bigint, last bigint, example uuid)`,
    source.drift(),
  );
  await put(
    `INSERT INTO facts AS f (name, value) SELECT name, value FROM jsonb_to_recordset($1::jsonb) x(name text, value bigint)
     ON CONFLICT (name) DO UPDATE SET value = CASE f.name
       WHEN 'evicted_since' THEN least(f.value, excluded.value) ELSE f.value + excluded.value END`,
    source.all('facts'),
  );
  return routes.length;
}
