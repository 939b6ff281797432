import type { DaemonSummary, Pause, RouteState, RouteSummary, Summary } from '../reader.ts';
import { digestReason } from '../route-session.ts';
import type { Queryable } from './connection.ts';
import { linksIn } from './daemon-links.ts';
import { driftOf } from './drift.ts';
import { evictedFrom, invalidBytes } from './evictor.ts';
import { newestState, stateColumns, stateIn } from './route-states.ts';
import { spaceOf } from './space.ts';

/** Daemons that died are told of for so many milliseconds. */
const toldFor = 86_400_000;

/** What the journal holds, and how far each route is, that it knows: in the configuration or not. */
export async function summarise(database: Queryable): Promise<Summary> {
  const [newest, oldest] = await Promise.all([endOf(database, 'DESC'), endOf(database, 'ASC')]);
  const [counts, collecting, places, pauses, daemons] = await Promise.all([
    countsOf(database),
    collectingIn(database),
    placesOf(database),
    pausesIn(database),
    daemonsIn(database),
  ]);
  const last = newest?.seq ?? 0;
  const undecodable = counts.get('')?.undecodable;
  // What no route has are the records of undecodable ones.
  const names = new Set([...places.keys(), ...counts.keys(), ...pauses.keys()].filter(Boolean));
  const { onDisk: bytes, used: usedBytes } = await spaceOf(database);
  return {
    bytes,
    usedBytes,
    messages: newest === null ? 0 : last - (oldest?.seq ?? 0) + 1,
    oldest: oldest?.received_at ?? null,
    newest: newest?.received_at ?? null,
    undecodable: undecodable?.count ?? 0,
    unseenUndecodable: undecodable?.unseen ?? 0,
    lookedAt: await lookedIn(database),
    invalidBytes: await invalidBytes(database),
    evicted: await evictedFrom(database),
    drift: await driftOf(database),
    daemons,
    routes: [...names].sort().map((name): RouteSummary => {
      const place = places.get(name);
      const { waiting, quarantined, dead } = counts.get(name) ?? {};
      return {
        name,
        cursor: place?.cursor ?? 0,
        lag: {
          // Of what was removed it will get nothing.
          messages: place === undefined ? 0 : Math.max(0, last - Math.max(place.cursor, (oldest?.seq ?? 1) - 1)),
          seconds: typeof place?.next === 'number' ? Math.max(0, Math.round((Date.now() - place.next) / 1_000)) : 0,
        },
        waiting: waiting?.count ?? 0,
        collecting: collecting.get(name) ?? 0,
        quarantined: quarantined?.count ?? 0,
        dead: dead?.count ?? 0,
        unseen: (quarantined?.unseen ?? 0) + (dead?.unseen ?? 0),
        paused: pauses.get(name) ?? null,
        holder: place?.holder ?? null,
        state: place?.state ?? null,
      };
    }),
  };
}

async function endOf(
  database: Queryable,
  order: 'ASC' | 'DESC',
): Promise<{ readonly seq: number; readonly received_at: number } | null> {
  const [row] = await database.query<{ seq: number; received_at: number }>(
    `SELECT seq, received_at FROM entries ORDER BY seq ${order} LIMIT 1`,
  );
  return row ?? null;
}

interface StateCount {
  readonly count: number;
  readonly unseen: number;
}

type State = 'waiting' | 'quarantined' | 'dead' | 'undecodable';

/** By route, and then by state. */
async function countsOf(database: Queryable): Promise<Map<string, Partial<Record<State, StateCount>>>> {
  const rows = await database.query<{ route: string; state: State; count: number; unseen: number }>(
    'SELECT route, state, count, unseen FROM totals',
  );
  const counts = new Map<string, Partial<Record<State, StateCount>>>();
  for (const { route, state, count, unseen } of rows)
    counts.set(route, { ...counts.get(route), [state]: { count, unseen } });
  return counts;
}

/** Those that wait for their digest, by route. */
async function collectingIn(database: Queryable): Promise<Map<string, number>> {
  const rows = await database.query<{ route: string; count: number }>(
    `SELECT route, sum(count)::bigint AS count FROM (
       SELECT route, state, reason, count FROM delivery_groups
       UNION ALL SELECT route, state, reason, change FROM delivery_changes) known
     WHERE state = 'waiting' AND starts_with(reason, $1) GROUP BY route`,
    [digestReason],
  );
  return new Map(rows.map(({ route, count }) => [route, count]));
}

interface Place {
  readonly cursor: number;
  /** When the first one that it hasn't passed came. */
  readonly next: number | null;
  readonly holder: string | null;
  readonly state: RouteState | null;
}

/** By route. */
async function placesOf(database: Queryable): Promise<Map<string, Place>> {
  const rows = await database.query<Omit<Place, 'state'> & { readonly route: string } & Parameters<typeof stateIn>[0]>(
    `SELECT r.route, p.cursor, (SELECT e.received_at FROM entries e WHERE e.seq > p.cursor ORDER BY e.seq LIMIT 1) AS next,
       living.name AS holder, ${stateColumns}
     FROM routes r
     JOIN LATERAL (SELECT cursor FROM progress WHERE route = r.route ORDER BY epoch DESC, n DESC LIMIT 1) p ON true
     LEFT JOIN LATERAL (SELECT d.name FROM daemons d WHERE d.holder = r.holder AND is_alive(d.holder)) living ON true
     LEFT JOIN LATERAL (${newestState}) shown ON living.name IS NOT NULL`,
  );
  return new Map(
    rows.map(({ route, cursor, next, holder, ...row }) => [route, { cursor, next, holder, state: stateIn(row) }]),
  );
}

/** By route. */
export async function pausesIn(database: Queryable): Promise<Map<string, Pause>> {
  const rows = await database.query<Pause & { readonly route: string }>('SELECT route, at, who FROM paused');
  return new Map(rows.map(({ route, at, who }) => [route, { at, who }]));
}

/** All that live, be it several of one name; and of the others the last run, where it wasn't stopped. */
async function daemonsIn(database: Queryable): Promise<DaemonSummary[]> {
  const rows = await database.query<Omit<DaemonSummary, 'links'> & { readonly links: string }>(
    `SELECT d.name, d.version, d.configuration, d.started_at AS since, coalesce(b.skew, 0) AS skew, d.lives, d.links,
       ARRAY(SELECT r.route FROM routes r WHERE d.lives AND r.holder = d.holder ORDER BY r.route) AS routes
     FROM (
       SELECT d.*, row_number() OVER (PARTITION BY name ORDER BY started_at DESC) AS age
       FROM (SELECT *, is_alive(holder) AND stopped_at IS NULL AS lives FROM daemons) d) d
     LEFT JOIN LATERAL (
       SELECT expires_at, skew FROM beats WHERE holder = d.holder ORDER BY expires_at DESC LIMIT 1) b ON true
     WHERE d.lives
       OR (d.age = 1 AND d.stopped_at IS NULL AND coalesce(b.expires_at, d.started_at) > now_ms() - ${toldFor})
     ORDER BY d.name, d.started_at`,
  );
  return rows.map(({ links, ...daemon }) => ({ ...daemon, links: linksIn(links) }));
}

/** When an operator last looked at any of them, in Unix milliseconds. */
async function lookedIn(database: Queryable): Promise<number | null> {
  const [row] = await database.query<{ at: number | null }>('SELECT max(at) AS at FROM looks');
  return row?.at ?? null;
}
