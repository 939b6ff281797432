import type { Limits } from '../journal.ts';
import { blockSize } from './blocks.ts';
import type { Queryable } from './connection.ts';

/** A part of the log: the places from one on, up to before another. */
export interface Range {
  readonly name: string;
  readonly first: number;
  readonly ending: number;
}

/** How many ranges there are behind the one that is being filled. */
const ahead = 2;

/** What is removed at a time is a range: so it has about this part of what is kept, by age and by size. */
const parts = 10;

/** Places of a range while nobody knows how fast they are filled; and what one takes on disk, where few are filled. */
const usualSize = 65_536;
const usualBytes = 2_048;
const fewest = 1_024;

/** A range of more places is for a log that is as large: what comes in at once, after an outage say, doesn't make one. */
const most = 1_048_576;

/** No range is ended early before so many milliseconds, and none whose rows take long to be looked through. */
const youngest = 60_000;
const largestEnded = 256 * 1024 * 1024;

/** The rate is that of so many milliseconds. */
const measured = 86_400_000;

/** The ranges of the log, in their order. */
export async function rangesOf(within: Queryable): Promise<readonly Range[]> {
  return within.query<Range>('SELECT name, first, ending FROM ranges ORDER BY first');
}

/**
 * Makes ranges of the log ahead. They are as large as what comes in within a part of the retention, as far as that can be
 * told: a range is dropped when all in it is old. Whoever finds that there is none for what is to be appended calls it too.
 * @param needed how many places there must be at least behind the head
 * @returns whether there are as many as there should be: a range may be in use
 */
export async function addRanges(database: Queryable, limits: Limits, needed = 1): Promise<boolean> {
  const { head, ranges, size } = await fillingOf(database, limits);
  let missing = ahead - ranges.filter(({ first }) => first > head + 1).length;
  for (let first = ranges.at(-1)?.ending ?? 0; missing > 0 || first <= head + needed; first += size, missing -= 1) {
    const [row] = await database.query<{ added: boolean | null }>('SELECT add_range($1, $2) AS added', [
      first,
      first + size,
    ]);
    if (row?.added !== true) return false;
  }
  return true;
}

/**
 * Ends the range that is being filled at the next block, where less came in than was expected: else what is in it would be
 * kept for as long as it isn't full.
 */
export async function endOldRange(database: Queryable, limits: Limits): Promise<boolean> {
  const { head, now, ranges, size } = await fillingOf(database, limits);
  const current = ranges.find(({ first, ending }) => first <= head && head + 1 < ending);
  if (current === undefined || !(await isOverdue(database, current, head, now, limits))) return true;
  const [row] = await database.query<{ ended: boolean | null }>('SELECT end_range($1, $2, $3) AS ended', [
    ...[current.name, ahead, size],
  ]);
  return row?.ended !== null;
}

async function isOverdue(
  database: Queryable,
  { name, first, ending }: Range,
  head: number,
  now: number,
  { retention, maxSize }: Limits,
): Promise<boolean> {
  // It will be full soon anyway.
  if (ending - head < (head - first) / 4) return false;
  const [row] = await database.query<{ at: number; bytes: number; rows: number }>(
    `SELECT (SELECT at FROM appends WHERE last >= $1 ORDER BY last LIMIT 1) AS at,
       pg_total_relation_size(to_regclass($2)) AS bytes, pg_relation_size(to_regclass($2)) AS rows`,
    [Math.max(1, first), name],
  );
  if (row === undefined || row.rows > largestEnded) return false;
  return now - row.at > Math.max(youngest, retention / parts) || row.bytes > maxSize / parts;
}

interface Filling {
  readonly head: number;
  /** The database's, in Unix milliseconds. */
  readonly now: number;
  readonly ranges: readonly Range[];
  /** Places that a range should have which is made now. */
  readonly size: number;
}

async function fillingOf(database: Queryable, { retention, maxSize }: Limits): Promise<Filling> {
  const ranges = await rangesOf(database);
  const [row] = await database.query<{ head: number; now: number; since: number; before: number; bytes: number }>(
    `SELECT now_ms() AS now, (SELECT last FROM appends ORDER BY last DESC LIMIT 1) AS head,
       coalesce(early.newest, now_ms()) AS since, early.last - early.rows AS before,
       (SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint FROM unnest($2::text[]) u(name)) AS bytes
     FROM (SELECT) nothing LEFT JOIN LATERAL (
       SELECT newest, last, rows FROM appends WHERE newest >= now_ms() - $1::bigint ORDER BY newest, last LIMIT 1) early ON true`,
    [measured, ranges.map(({ name }) => name)],
  );
  const { head = 0, now = 0, since = 0, before, bytes = 0 } = row ?? {};
  const places = head - (ranges[0]?.first ?? 0);
  const perMillisecond = (head - (before ?? head)) / Math.max(youngest, now - since);
  const bySize = maxSize / parts / (places < fewest ? usualBytes : bytes / places);
  const byAge = perMillisecond === 0 ? 0 : (perMillisecond * retention) / parts;
  const least = Math.min(usualSize, Math.max(fewest, bySize));
  const size = Math.min(Math.max(least, Math.min(bySize, byAge)), Math.max(most, places / 8));
  return { head, now, ranges, size: Math.ceil(size / blockSize) * blockSize };
}

/** The place of the newest entry. */
export async function headOf(within: Queryable): Promise<number> {
  const [row] = await within.query<{ last: number }>('SELECT last FROM appends ORDER BY last DESC LIMIT 1');
  return row?.last ?? 0;
}
