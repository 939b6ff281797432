import { addDrift } from '../drift.ts';
import type { Drift } from '../reader.ts';
import { storable } from './arrays.ts';
import type { Queryable } from './connection.ts';

/** So many rows of what was found are added at a time. */
const mostFound = 10_000;

/** All of it, the newest kinds first: also what no daemon has added to the sums yet. */
export async function driftOf(database: Queryable): Promise<Drift[]> {
  const [sums, found] = [await sumsIn(database), await foundIn(database)];
  addDrift(found.kinds, sums);
  return [...sums.all.values()].sort(
    (one, other) => other.first - one.first || compare(one, other, 'event', 'path', 'keyword'),
  );
}

/**
 * Adds what was found to the sums by kind, some at a time, within a transaction in which nobody else does. Returns whether
 * there is more.
 */
export async function foldDrift(within: Queryable): Promise<boolean> {
  const found = await foundIn(within);
  if (found.last === null) return false;
  const sums = await sumsIn(within);
  addDrift(found.kinds, sums);
  const columns = ['event', 'path', 'keyword', 'known', 'count', 'first', 'last', 'example'] as const;
  const changed = [...sums.changed].map((key) => sums.all.get(key)).filter((drift) => drift !== undefined);
  await within.query(
    `INSERT INTO drift (${columns.join(', ')})
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::bigint[], $7::bigint[], $8::uuid[])
     ON CONFLICT (event, path, keyword) DO UPDATE SET count = excluded.count, last = excluded.last, example = excluded.example`,
    columns.map((column) => changed.map((drift) => drift[column])),
  );
  await within.query('DELETE FROM drift_found WHERE number <= $1', [found.last]);
  return found.rows === mostFound;
}

/** Notes what was found elsewhere, until it is added to the sums. */
export async function noteDrift(database: Queryable, found: readonly Drift[]): Promise<void> {
  const columns = ['event', 'path', 'keyword', 'known', 'count', 'first', 'last', 'example'] as const;
  await database.query(
    `INSERT INTO drift_found (${columns.join(', ')})
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::bigint[], $7::bigint[], $8::uuid[])`,
    columns.map((column) =>
      found.map((drift) => (typeof drift[column] === 'string' ? storable(drift[column]) : drift[column])),
    ),
  );
}

/** Forgets the kinds of which nothing has come since then, in Unix milliseconds. */
export async function forgetDrift(database: Queryable, before: number): Promise<void> {
  await database.query('DELETE FROM drift WHERE last < $1', [before]);
}

interface Found {
  /** Each once. */
  readonly kinds: Drift[];
  readonly rows: number;
  /** The number of the last row; null where there is none. */
  readonly last: number | null;
}

/** In the order in which they were found. */
async function foundIn(database: Queryable): Promise<Found> {
  const rows = await database.query<Drift & { readonly number: number }>(
    `SELECT number, event, path, keyword, known, count, first, last, example FROM drift_found ORDER BY number LIMIT ${mostFound}`,
  );
  const kinds = new Map<string, Drift>();
  for (const { number: _, ...drift } of rows) {
    const key = keyOf(drift);
    const before = kinds.get(key);
    kinds.set(key, before === undefined ? drift : sumOf(before, drift));
  }
  return { kinds: [...kinds.values()], rows: rows.length, last: rows.at(-1)?.number ?? null };
}

async function sumsIn(database: Queryable) {
  const rows = await database.query<Drift>(
    'SELECT event, path, keyword, known, count, first, last, example FROM drift',
  );
  const all = new Map(rows.map((drift) => [keyOf(drift), drift]));
  const changed = new Set<string>();
  const put = (drift: Drift) => {
    changed.add(keyOf(drift));
    all.set(keyOf(drift), drift);
  };
  return {
    all,
    changed,
    add(drift: Drift): boolean {
      const before = all.get(keyOf(drift));
      if (before !== undefined) put(sumOf(before, drift));
      return before !== undefined;
    },
    insert: put,
    kindsBeside: ({ event, known }: Drift) =>
      [...all.values()].filter((other) => (known ? other.known && other.event === event : !other.known)).length,
  };
}

function sumOf(one: Drift, other: Drift): Drift {
  return { ...one, count: one.count + other.count, last: Math.max(one.last, other.last), example: other.example };
}

function keyOf({ event, path, keyword }: Drift): string {
  return JSON.stringify([event, path, keyword]);
}

function compare(one: Drift, other: Drift, ...columns: ('event' | 'path' | 'keyword')[]): number {
  for (const column of columns) if (one[column] !== other[column]) return one[column] < other[column] ? -1 : 1;
  return 0;
}
