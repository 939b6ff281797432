import { blockSize } from './blocks.ts';
import type { Queryable } from './connection.ts';

/** What is younger is left alone, in milliseconds. */
const youngest = 3_600_000;

/** Of old rows of the map from times to places, the last of each block and of each of these spans stays, in milliseconds. */
const span = 60_000;

/** Rows that are looked at in one step. */
const mostRows = 5_000;

/** So many of a route's newest rows stay: who has to repeat a call asks whether it was done by them. */
const repeatable = 1_000;

/**
 * Removes what is inserted again and again and of which the newest row counts. It goes on where it has stopped, and never
 * begins at the first row anew: as long as somebody holds a snapshot, rows that are removed still lie there.
 */
export class Thinning {
  #appends = 0;
  readonly #progress = new Map<string, readonly [epoch: number, n: number]>();
  readonly #beats = new Map<string, number>();
  #signals = 0;

  /** @returns whether there is more to do */
  async thin(within: Queryable): Promise<boolean> {
    const more = [await this.#thinAppends(within)];
    for (const route of await within.query<{ route: string }>('SELECT route FROM routes'))
      more.push(await this.#thinProgress(within, route.route));
    for (const { holder } of await within.query<{ holder: string }>('SELECT holder FROM daemons'))
      await this.#thinBeats(within, holder);
    await this.#thinSignals(within);
    return more.includes(true);
  }

  async #thinAppends(within: Queryable): Promise<boolean> {
    const rows = await within.query<{ last: number; over: boolean }>(
      `SELECT last, lead(last) OVER w IS NOT NULL AND last / ${blockSize} = lead(last) OVER w / ${blockSize}
         AND at / ${span} = lead(at) OVER w / ${span} AS over
       FROM (SELECT last, at FROM appends WHERE last >= $1 ORDER BY last LIMIT ${mostRows}) page
       WHERE at < now_ms() - ${youngest} WINDOW w AS (ORDER BY last)`,
      [this.#appends],
    );
    const over = rows.filter((row) => row.over).map(({ last }) => last);
    if (over.length > 0) await within.query('DELETE FROM appends WHERE last = ANY ($1::bigint[])', [over]);
    this.#appends = rows.at(-1)?.last ?? this.#appends;
    return rows.length === mostRows;
  }

  async #thinProgress(within: Queryable, route: string): Promise<boolean> {
    const from = this.#progress.get(route) ?? [0, 0];
    const rows = await within.query<{ epoch: number; n: number }>(
      `DELETE FROM progress WHERE route = $1 AND (epoch, n) IN (
         SELECT p.epoch, p.n FROM progress p,
           (SELECT epoch, n FROM progress WHERE route = $1 ORDER BY epoch DESC, n DESC LIMIT 1) newest
         WHERE p.route = $1 AND (p.epoch, p.n) >= ($2, $3) AND (p.epoch, p.n) < (newest.epoch, newest.n - ${repeatable})
         ORDER BY p.epoch, p.n LIMIT ${mostRows}) RETURNING epoch, n`,
      [route, ...from],
    );
    const [epoch, n] = rows.reduce<readonly [number, number]>(
      (last, row) => (row.epoch > last[0] || (row.epoch === last[0] && row.n > last[1]) ? [row.epoch, row.n] : last),
      [from[0], from[1]],
    );
    this.#progress.set(route, [epoch, n]);
    return rows.length >= mostRows;
  }

  async #thinBeats(within: Queryable, holder: string): Promise<void> {
    const gone = await within.query<{ expires_at: number }>(
      `DELETE FROM beats WHERE holder = $1 AND expires_at >= $2 AND expires_at < least(now_ms() - ${youngest},
         (SELECT expires_at FROM beats WHERE holder = $1 ORDER BY expires_at DESC LIMIT 1)) RETURNING expires_at`,
      [holder, this.#beats.get(holder) ?? 0],
    );
    for (const { expires_at } of gone) this.#beats.set(holder, Math.max(this.#beats.get(holder) ?? 0, expires_at));
  }

  async #thinSignals(within: Queryable): Promise<void> {
    const gone = await within.query<{ number: number }>(
      `DELETE FROM signals WHERE number >= $1 AND at < now_ms() - ${youngest}
         AND number < (SELECT number FROM signals ORDER BY number DESC LIMIT 1) RETURNING number`,
      [this.#signals],
    );
    for (const { number } of gone) this.#signals = Math.max(this.#signals, number);
  }
}
