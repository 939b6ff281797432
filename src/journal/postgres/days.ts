import type { Queryable } from './connection.ts';
import type { Dropped } from './drop.ts';

/** The tables that have a partition for each day of their key's first 48 bits, which are a time; and that key. */
export const keys = { ids: 'id', occurrences: 'occurrence' } as const;

export type DailyTable = keyof typeof keys;
export const dailyTables: readonly DailyTable[] = ['ids', 'occurrences'];

/** Beside today, so many days have a partition already: what no daemon has made yet goes into the default one. */
const daysAhead = 2;
const day = 86_400_000;

/** Rows that are moved from or to the default partition at a time: whoever appends waits meanwhile. */
const mostMoved = 50_000;
const mostKept = 20_000;

/** A day may be about what came in so much later, in milliseconds. */
const latest = 3_600_000;

/**
 * Makes the partitions of today and of the next days, those that are missing.
 * @param now the database's, in Unix milliseconds @returns false where one is in use
 */
export async function addDays(database: Queryable, table: DailyTable, now: number): Promise<boolean> {
  const rows = await database.query<{ first: string }>('SELECT first FROM days WHERE of = $1', [table]);
  const known = new Set(rows.map(({ first }) => first));
  const today = now - (now % day);
  for (let from = today; from <= today + daysAhead * day; from += day) {
    const first = firstUuidOf(from);
    if (known.has(first)) continue;
    const name = `${table}_${new Date(from).toISOString().slice(0, 10).replaceAll('-', '')}`;
    const [row] = await database.query<{ added: boolean | null }>('SELECT add_day($1, $2, $3, $4, $5, $6) AS added', [
      ...[table, name, keys[table], first, firstUuidOf(from + day), mostMoved],
    ]);
    if (row?.added === null) return false;
  }
  return true;
}

/**
 * Drops the oldest day of a table, once it is about nothing any more that the log has. What is kept is moved to the default
 * partition, unless that is much.
 */
export async function dropOldDay(database: Queryable, table: DailyTable): Promise<Dropped> {
  const [found] = await database.query<{ name: string; ending: string; place: number; time: number }>(
    `SELECT name, ending, place, time
     FROM (SELECT name, ending FROM days WHERE of = $1 ORDER BY first LIMIT 1) oldest,
       (SELECT seq AS place, least(received_at, occurred_at) AS time FROM log ORDER BY seq LIMIT 1) first`,
    [table],
  );
  if (found === undefined || timeOf(found.ending) > found.time - latest) return 'none';
  const [row] = await database.query<{ dropped: boolean | null }>('SELECT drop_day($1, $2, $3, $4) AS dropped', [
    ...[table, found.name, found.place, mostKept],
  ]);
  return row?.dropped === true ? 'dropped' : row?.dropped === null ? 'busy' : 'none';
}

/** The least UUID of a time, in Unix milliseconds: they begin with it. */
function firstUuidOf(time: number): string {
  const digits = time.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-0000-0000-000000000000`;
}

function timeOf(uuid: string): number {
  return Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16);
}
