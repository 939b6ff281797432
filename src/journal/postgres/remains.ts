import { mostRows } from '../junk.ts';
import { blockSize } from './blocks.ts';
import type { Queryable } from './connection.ts';
import { type DailyTable, dailyTables, keys } from './days.ts';
import type { Bounds } from './drop.ts';
import { rangesOf } from './log-ranges.ts';

/** Names of events that are stepped through: a broker that invents them without end must not stop us here. */
const mostNames = 1_000;

/** Rows that are looked at in one step, and removed where they are small. */
const mostSmall = 5_000;

/** What is before has no day. */
const firstOfDays = '00000000-0001-0000-0000-000000000000';

/**
 * What is left of ranges that were dropped: rows that were moved out because something listed them, and what leads to
 * entries. It is gone through from its beginning to its end, some at a time, and then anew after a while.
 */
export class Remains {
  /** How far it was looked, by what. */
  readonly #positions = new Map<string, number>();
  readonly #keys = new Map<DailyTable, string>();
  #done = false;
  #through = -1;

  /** Anything that was passed over may be removable now. */
  lookAgain(): void {
    this.#positions.clear();
    this.#keys.clear();
    this.#done = false;
  }

  /** @returns whether there is more to do */
  async remove(within: Queryable, bounds: Bounds): Promise<boolean> {
    const [first] = await rangesOf(within);
    const oldest = first?.first ?? 0;
    if (oldest > this.#through) this.lookAgain();
    this.#through = oldest;
    if (this.#done) return false;
    const more = [await this.#removeKept(within, bounds, oldest)];
    for (const table of dailyTables)
      for (const part of ['timeless', 'default'])
        more.push(await this.#forgetPlaces(within, `${table}_${part}`, oldest));
    more.push(await this.#forgetPlaces(within, 'redeliveries', oldest));
    if (bounds.isNearlyFull)
      for (const table of dailyTables) more.push(await this.#forgetOfDays(within, table, oldest));
    more.push(await forgetAppends(within, oldest));
    this.#done = !more.includes(true);
    if (this.#done) await forgetBlocks(within, oldest);
    return !this.#done;
  }

  /** Those that nothing lists any more, or that are old and were invalid. */
  async #removeKept(within: Queryable, { through, oldest, isNearlyFull }: Bounds, place: number): Promise<boolean> {
    if (through === null) return false;
    const after = this.#positions.get('kept') ?? 0;
    const rows = await within.query<{ seq: number; over: boolean }>(
      `SELECT k.seq, k.seq <= $2::bigint AND (k.seq < $3::bigint OR k.received_at < $4::bigint OR $5::boolean) AND NOT EXISTS (
         SELECT FROM deliveries d WHERE d.seq = k.seq AND is_listed(d)) AS over
       FROM kept k WHERE k.seq > $1::bigint ORDER BY k.seq LIMIT ${mostSmall}`,
      [after, through, place, oldest, isNearlyFull],
    );
    const over = rows.filter((row) => row.over).slice(0, mostRows);
    const isMuch = over.length === mostRows;
    this.#positions.set('kept', (isMuch ? over : rows).at(-1)?.seq ?? after);
    await removeKept(
      within,
      over.map(({ seq }) => seq),
    );
    return isMuch || rows.length === mostSmall;
  }

  /** Where all that there is room for came within a day or two, the rows of days go one by one, as far as nearly all are old. */
  async #forgetOfDays(within: Queryable, table: DailyTable, oldest: number): Promise<boolean> {
    const key = keys[table];
    const [row] = await within.query<{ through: string | null; gone: number }>(
      `WITH first AS (SELECT ${key} AS key, seq FROM ${table} WHERE ${key} > $1 ORDER BY ${key} LIMIT ${mostSmall}),
         gone AS (DELETE FROM ${table} t USING first f WHERE t.${key} = f.key AND f.seq < $2
           AND NOT EXISTS (SELECT FROM kept k WHERE k.seq = f.seq) RETURNING 1)
       SELECT (SELECT max(key::text) FROM first) AS through, (SELECT count(*) FROM gone) AS gone`,
      [this.#keys.get(table) ?? firstOfDays, oldest],
    );
    if (row === undefined || row.through === null || row.gone < mostSmall / 2) return false;
    this.#keys.set(table, row.through);
    return true;
  }

  /** Of what has no day, or a day that nobody has made; and of what came again. */
  async #forgetPlaces(within: Queryable, table: string, oldest: number): Promise<boolean> {
    const after = this.#positions.get(table) ?? 0;
    const gone = await within.query<{ seq: number }>(
      `DELETE FROM ${table} WHERE seq IN (
         SELECT i.seq FROM ${table} i WHERE i.seq > $1 AND i.seq < $2 AND NOT EXISTS (SELECT FROM kept k WHERE k.seq = i.seq)
         ORDER BY i.seq LIMIT ${mostSmall}) RETURNING seq`,
      [after, oldest],
    );
    this.#positions.set(
      table,
      gone.reduce((most, { seq }) => Math.max(most, seq), after),
    );
    return gone.length >= mostSmall;
  }
}

/** Removes entries that aren't in the log, and all that is recorded of them. */
export async function removeKept(within: Queryable, seqs: readonly number[]): Promise<void> {
  if (seqs.length === 0) return;
  await within.query('DELETE FROM kept WHERE seq = ANY ($1::bigint[])', [seqs]);
  await within.query('DELETE FROM deliveries WHERE seq = ANY ($1::bigint[])', [seqs]);
  await within.query('DELETE FROM redeliveries WHERE seq = ANY ($1::bigint[])', [seqs]);
}

/** Times lead to no place before the log's first; one row stays before it. */
async function forgetAppends(within: Queryable, oldest: number): Promise<boolean> {
  const gone = await within.query(
    `DELETE FROM appends WHERE last IN (
       SELECT last FROM appends WHERE last < (SELECT max(last) FROM appends WHERE last < $1) ORDER BY last LIMIT ${mostSmall})
     RETURNING 1`,
    [oldest],
  );
  return gone.length === mostSmall;
}

/** Blocks before the log's first one have events only of what is kept. */
async function forgetBlocks(within: Queryable, oldest: number): Promise<void> {
  const names = await within.query<{ event: string }>(
    `WITH RECURSIVE names AS (
       (SELECT event FROM block_events ORDER BY event LIMIT 1)
       UNION ALL SELECT (SELECT b.event FROM block_events b WHERE b.event > names.event ORDER BY b.event LIMIT 1)
       FROM names WHERE names.event IS NOT NULL
     ) SELECT event FROM names WHERE event IS NOT NULL LIMIT ${mostNames}`,
  );
  for (const { event } of names) {
    await within.query(
      `DELETE FROM block_events b WHERE event = $1 AND block < $2::bigint / ${blockSize} AND NOT EXISTS (
         SELECT FROM kept WHERE seq >= b.block * ${blockSize} AND seq < (b.block + 1) * ${blockSize} AND event = $1)`,
      [event, oldest],
    );
  }
}
