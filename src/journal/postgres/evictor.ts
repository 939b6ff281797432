import type { Logger } from 'pino';
import {
  type Candidate,
  type EvictedSince,
  Eviction,
  EvictionRoom,
  evictedIn,
  evictedSince,
  factOf,
  JunkReporter,
  kinds,
  mostRows,
} from '../junk.ts';
import type { Queryable } from './connection.ts';
import type { Held } from './held.ts';
import { removeKept } from './remains.ts';

/** The sum of what they take is made anew after so many milliseconds: others change it too. */
const sumHolds = 60_000;

/** Which undecodable and invalid notifications make way where they have more than their share of the journal. */
export class Evictor {
  readonly #reporter: JunkReporter;
  readonly #eviction = new Eviction();
  #bytes = 0;
  #summedAt = Number.NEGATIVE_INFINITY;

  constructor(log: Logger) {
    this.#reporter = new JunkReporter(log);
  }

  /** Bytes that all of them take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Some more were appended. */
  grown(bytes: number): void {
    this.#bytes += bytes;
  }

  /** @param share in bytes @returns whether there is more to do */
  async evict(within: Queryable, share: number, held: Held): Promise<boolean> {
    if (performance.now() - this.#summedAt > sumHolds) {
      this.#bytes = await invalidBytes(within);
      this.#summedAt = performance.now();
    }
    const evicted = this.#bytes > share ? await this.#remove(within, share, held) : 0;
    this.#reporter.evicted(evicted);
    this.#reporter.tellBytes(this.#bytes, share);
    if (this.#reporter.isDue) this.#reporter.tellEvicted(await evictedFrom(within), this.#bytes, share);
    return evicted > 0;
  }

  async #remove(within: Queryable, share: number, { routes, deliveringThrough }: Held): Promise<number> {
    // As long as no route is known, nobody knows what they still have to deliver.
    if (routes.length === 0) return 0;
    const room = new EvictionRoom(this.#bytes - share);
    let [count, bytes] = [0, 0];
    let isAll = true;
    for (const [rank, kind] of kinds.entries()) {
      const rows = await candidates(within, rank, this.#eviction.after(rank), routes, deliveringThrough);
      const some = this.#eviction.choose(rank, rows, room);
      await removeKept(within, some);
      await counted(within, factOf(kind), some.length);
      count += some.length;
      const chosen = new Set(some);
      for (const row of rows) if (chosen.has(row.seq)) bytes += row.bytes;
      // There may be more that come before those of the next rank.
      isAll = rows.length < mostRows && !room.isUsed;
      if (!isAll) break;
    }
    if (isAll) this.#eviction.done();
    this.#bytes -= bytes;
    return count;
  }
}

/** The next ones of a rank. What can't be decoded is nobody's to deliver, wherever routes are. */
function candidates(
  within: Queryable,
  rank: number,
  after: number,
  routes: readonly string[],
  deliveringThrough: number,
): Promise<readonly Candidate[]> {
  const through = Number.isFinite(deliveringThrough) ? deliveringThrough : Number.MAX_SAFE_INTEGER;
  return within.query<Candidate>(
    `SELECT k.seq, k.bytes, (k.rank > 0 AND k.seq > $4::bigint) OR EXISTS (
       SELECT FROM deliveries d WHERE d.seq = k.seq AND d.state = 'waiting' AND d.route = ANY ($3::text[])) AS "isHeld"
     FROM kept k WHERE k.rank = $1::smallint AND k.seq > $2::bigint ORDER BY k.seq LIMIT ${mostRows}`,
    [rank, after, routes, through],
  );
}

async function counted(within: Queryable, fact: string, count: number): Promise<void> {
  if (count === 0) return;
  await within.query(
    `INSERT INTO facts AS f (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = f.value + excluded.value`,
    [fact, count],
  );
  await within.query('INSERT INTO facts (name, value) VALUES ($1, now_ms()) ON CONFLICT DO NOTHING', [evictedSince]);
}

/** Bytes that undecodable and invalid notifications take. */
export async function invalidBytes(within: Queryable): Promise<number> {
  const [row] = await within.query<{ bytes: number }>(
    'SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM kept WHERE rank IS NOT NULL',
  );
  return Number(row?.bytes);
}

/** How many were evicted, and since when. */
export async function evictedFrom(within: Queryable): Promise<EvictedSince> {
  const rows = await within.query<{ name: string; value: number }>(
    "SELECT name, value FROM facts WHERE starts_with(name, 'evicted_')",
  );
  return evictedIn(new Map(rows.map(({ name, value }) => [name, Number(value)])));
}
