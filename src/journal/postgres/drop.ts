import { mostRows } from '../junk.ts';
import type { Queryable } from './connection.ts';
import type { Held } from './held.ts';
import { headOf, type Range, rangesOf } from './log-ranges.ts';

/** What may go, as of now. */
export interface Bounds extends Held {
  /** What is older may go, in Unix milliseconds; 0 while the clock is in doubt. */
  readonly oldest: number;
  /** What all have settled goes whatever its age. */
  readonly isNearlyFull: boolean;
}

const columns = 'seq, id, received_at, occurred_at, origin, event, account_id, resend_of, head, data, raw';

/** What came of a try to drop something: `busy` where it is in use. */
export type Dropped = 'dropped' | 'busy' | 'none';

/**
 * Drops the oldest range of the log, once all routes have passed it, and it is old or the journal is nearly full; and nothing
 * in it is listed any more: see Emptying.
 */
export async function dropOldRange(database: Queryable, bounds: Bounds): Promise<Dropped> {
  const [range] = await rangesOf(database);
  if (range === undefined || !(await isOver(database, range, bounds))) return 'none';
  const [row] = await database.query<{ dropped: boolean | null }>('SELECT drop_range($1) AS dropped', [range.name]);
  return row?.dropped === true ? 'dropped' : row?.dropped === null ? 'busy' : 'none';
}

/** Moves out of the range that is to be dropped what is listed, some at a time. */
export class Emptying {
  /** How far it was gone through. */
  #through = 0;

  /** @returns whether there may be more */
  async empty(within: Queryable, bounds: Bounds): Promise<boolean> {
    const [range] = await rangesOf(within);
    if (range === undefined || !(await isOver(within, range, bounds))) return false;
    const last = await moveListed(within, range, Math.max(this.#through + 1, range.first));
    // Something may have been listed behind it meanwhile: once it is through, it begins anew.
    this.#through = last ?? 0;
    return last !== null || (await forgetUnlisted(within, range)) > 0;
  }
}

async function isOver(
  within: Queryable,
  { ending }: Range,
  { through, oldest, isNearlyFull }: Bounds,
): Promise<boolean> {
  if (through === null || ending - 1 > through || ending - 1 > (await headOf(within))) return false;
  if (isNearlyFull) return true;
  const [row] = await within.query<{ newest: number }>(
    'SELECT newest FROM appends WHERE last >= $1 ORDER BY last LIMIT 1',
    [ending - 1],
  );
  return row !== undefined && row.newest < oldest;
}

/** Returns where the last one was of those that it has moved, or null. */
async function moveListed(within: Queryable, { name, ending }: Range, from: number): Promise<number | null> {
  const [row] = await within.query<{ last: number | null }>(
    `WITH listed AS (
       SELECT DISTINCT d.seq FROM deliveries d WHERE d.seq >= $1 AND d.seq < $2 AND is_listed(d)
         AND EXISTS (SELECT FROM ${name} l WHERE l.seq = d.seq) ORDER BY d.seq LIMIT ${mostRows}
     ), moved AS (
       DELETE FROM ${name} l USING listed WHERE l.seq = listed.seq RETURNING l.*
     ), kept AS (INSERT INTO kept (${columns}) SELECT ${columns} FROM moved RETURNING seq)
     SELECT max(seq) AS last FROM kept`,
    [from, ending],
  );
  return row?.last ?? null;
}

/** What waits for nobody goes with its entries. */
async function forgetUnlisted(within: Queryable, { first, ending }: Range): Promise<number> {
  const forgotten = await within.query(
    `DELETE FROM deliveries WHERE number IN (
       SELECT d.number FROM deliveries d WHERE d.seq >= $1 AND d.seq < $2 AND NOT is_listed(d)
         AND NOT EXISTS (SELECT FROM kept k WHERE k.seq = d.seq) LIMIT ${mostRows}) RETURNING 1`,
    [first, ending],
  );
  return forgotten.length;
}
