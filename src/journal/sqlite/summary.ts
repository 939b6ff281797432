import type { DatabaseSync } from 'node:sqlite';
import type { RouteSummary, Summary } from '../reader.ts';
import { sizeOf } from './database.ts';
import { evictedFrom } from './eviction.ts';
import { usedBytes } from './space.ts';

/** What the journal holds, and how far each route is, that it knows: in the configuration or not. */
export function summarise(database: DatabaseSync, file: string): Summary {
  const newest = database.prepare('SELECT seq, received_at FROM notifications ORDER BY seq DESC LIMIT 1').get();
  const oldest = database.prepare('SELECT seq, received_at FROM notifications ORDER BY seq LIMIT 1').get();
  const last = Number(newest?.seq ?? 0);
  const counts = database.prepare('SELECT route, state, count(*) AS count FROM deliveries GROUP BY route, state').all();
  const countOf = (route: string, state: string) =>
    Number(counts.find((row) => row.route === route && row.state === state)?.count ?? 0);
  const firstAfter = database.prepare('SELECT received_at FROM notifications WHERE seq > ? ORDER BY seq LIMIT 1');
  const cursors = new Map<unknown, number>();
  for (const { name, cursor } of database.prepare('SELECT name, cursor FROM routes').all())
    cursors.set(name, Number(cursor));
  // After a rebuild there may be lines of one whose cursor is lost. The lines of no route are those of undecodable ones.
  const names = new Set([...cursors.keys(), ...counts.map(({ route }) => route)].map(String).filter(Boolean));
  return {
    bytes: sizeOf(file) + sizeOf(`${file}-wal`),
    usedBytes: usedBytes(database, file),
    messages: newest === undefined ? 0 : last - Number(oldest?.seq) + 1,
    oldest: oldest === undefined ? null : Number(oldest.received_at),
    newest: newest === undefined ? null : Number(newest.received_at),
    undecodable: countOf('', 'undecodable'),
    invalidBytes: Number(database.prepare("SELECT value FROM facts WHERE name = 'invalid_bytes'").get()?.value),
    evicted: evictedFrom(database),
    routes: [...names].sort().map((name): RouteSummary => {
      const cursor = cursors.get(name);
      const waitingSince = cursor === undefined ? undefined : firstAfter.get(cursor)?.received_at;
      return {
        name,
        cursor: cursor ?? 0,
        lag: {
          // Of what was removed it will get nothing.
          messages: cursor === undefined ? 0 : Math.max(0, last - Math.max(cursor, Number(oldest?.seq ?? 1) - 1)),
          seconds:
            waitingSince === undefined ? 0 : Math.max(0, Math.round((Date.now() - Number(waitingSince)) / 1_000)),
        },
        waiting: countOf(name, 'waiting'),
        quarantined: countOf(name, 'quarantined'),
        dead: countOf(name, 'dead'),
      };
    }),
  };
}
