import type { Queryable } from './connection.ts';

/** Places in a row that make a block: which events are in each is the index that leads to rare ones. */
export const blockSize = 512;

/** An event pattern for LIKE, which gives other characters a meaning than our patterns do. */
export function likeOf(pattern: string): string {
  return pattern.replace(/[\\%_]/g, '\\$&').replace(/\*+/g, '%');
}

/** The last blocks before one in which any of these events is, the last first. @param events null is any */
export async function blocksBefore(
  database: Queryable,
  block: number,
  events: readonly string[] | null,
  limit: number,
): Promise<number[]> {
  const rows =
    events === null
      ? await database.query<{ block: number }>(
          `SELECT DISTINCT seq / ${blockSize} AS block FROM (
             SELECT seq FROM entries WHERE seq < $1::bigint * ${blockSize} ORDER BY seq DESC LIMIT $2::bigint * ${blockSize}) page
           ORDER BY block DESC LIMIT $2`,
          [block, limit],
        )
      : await database.query<{ block: number }>(
          `SELECT DISTINCT found.block FROM unnest($3::text[]) wanted (event), LATERAL (
             SELECT b.block FROM block_events b WHERE b.event = wanted.event AND b.block < $1 ORDER BY b.block DESC LIMIT $2) found
           ORDER BY found.block DESC LIMIT $2`,
          [block, limit, events],
        );
  return rows.map((row) => row.block);
}

/** The first block from one on in which any of these events is; null where there is none. @param events null is any */
export async function blockFrom(
  database: Queryable,
  block: number,
  events: readonly string[] | null,
): Promise<number | null> {
  const [row] =
    events === null
      ? await database.query<{ block: number | null }>(
          `SELECT (SELECT seq FROM entries WHERE seq >= $1::bigint * ${blockSize} ORDER BY seq LIMIT 1) / ${blockSize} AS block`,
          [block],
        )
      : await database.query<{ block: number | null }>(
          `SELECT min(found.block) AS block FROM unnest($2::text[]) wanted (event), LATERAL (
             SELECT b.block FROM block_events b WHERE b.event = wanted.event AND b.block >= $1 ORDER BY b.block LIMIT 1) found`,
          [block, events],
        );
  return row?.block ?? null;
}

/** A place that is before all that came at a time, in Unix milliseconds, or later. */
export async function placeBefore(database: Queryable, time: number): Promise<number> {
  const [row] = await database.query<{ last: number }>(
    'SELECT last FROM appends WHERE newest < $1 ORDER BY newest DESC, last DESC LIMIT 1',
    [time],
  );
  return row?.last ?? 0;
}
