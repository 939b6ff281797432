import { fullReason, type Holder, lagText, listedText, reasonHolds, sample } from '../full.ts';
import type { Queryable } from './connection.ts';
import { heldBack } from './held.ts';

/**
 * What the journal takes, in bytes: on the database's disk, with indexes; and of that what will not be used again. Room that
 * is free in tables from which rows are removed one by one is told by how many there are, and how large they are on average.
 */
export async function spaceOf(within: Queryable): Promise<{ readonly onDisk: number; readonly used: number }> {
  const [row] = await within.query<{ onDisk: number; used: number }>(
    `SELECT coalesce(sum(total), 0)::bigint AS "onDisk", coalesce(sum(total * least(1, coalesce(filled / nullif(heap, 0), 1))), 0)::bigint AS used
     FROM pg_class c,
       LATERAL (SELECT pg_total_relation_size(c.oid) AS total, pg_relation_size(c.oid) AS heap) size,
       LATERAL (
         SELECT ${margin} * greatest(c.reltuples, pg_stat_get_live_tuples(c.oid)) * (${rowHeader} + sum(avg_width * (1 - null_frac))) AS filled
         FROM pg_stats WHERE schemaname = current_schema() AND tablename = c.relname) live
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'`,
  );
  return row ?? { onDisk: 0, used: 0 };
}

/** Bytes that a row has beside its values; and how much more all may take than what is known of them. */
const rowHeader = 32;
const margin = 1.1;

/** How much a journal uses of what it may, as it was found last. */
export class Space {
  readonly #database: Queryable;
  #used = 0;
  #reason = { text: '', until: Number.NEGATIVE_INFINITY };

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** Bytes. */
  get used(): number {
    return this.#used;
  }

  async measure(maxSize: number): Promise<void> {
    const { used } = await spaceOf(this.#database);
    if (used >= maxSize) await this.#findReason(maxSize);
    this.#used = used;
  }

  /** Why nothing may be appended, for an operator: it is full. Null while it isn't. */
  refusal(maxSize: number): string | null {
    return this.#used < maxSize || this.#reason.text === '' ? null : this.#reason.text;
  }

  async #findReason(maxSize: number): Promise<void> {
    const start = performance.now();
    if (start < this.#reason.until) return;
    const { routes } = await heldBack(this.#database);
    const holders = [...(await listed(this.#database, routes)), ...(await lags(this.#database, routes))];
    const [row] = await this.#database.query<{ empty: boolean }>('SELECT NOT EXISTS (SELECT FROM entries) AS empty');
    const text = fullReason(maxSize, holders, row?.empty === true);
    const end = performance.now();
    this.#reason = { text, until: end + (end - start) * reasonHolds };
  }
}

const bytesOf = 'octet_length(e.data) + octet_length(e.head) + coalesce(octet_length(e.raw), 0)';

/** What is listed. Waiting for a route that has left all configurations holds nothing. */
async function listed(within: Queryable, routes: readonly string[]): Promise<Holder[]> {
  const groups = await within.query<{ route: string; state: string; count: number; bytes: number }>(
    `SELECT g.route, g.state, g.count, (
       SELECT avg(${bytesOf})
       FROM (SELECT d.seq FROM deliveries d WHERE d.route = g.route AND d.state = g.state LIMIT ${sample}) s,
         LATERAL (SELECT * FROM entries WHERE seq = s.seq OFFSET 0) e)::float AS bytes
     FROM (SELECT route, state, count(*) AS count FROM deliveries GROUP BY route, state) g
     WHERE g.state <> 'waiting' OR g.route = ANY ($1::text[])`,
    [routes],
  );
  return groups.map(({ route, state, count, bytes }) => ({
    bytes: Number(count) * Number(bytes),
    text: listedText(route, state, Number(count)),
  }));
}

async function lags(within: Queryable, routes: readonly string[]): Promise<Holder[]> {
  const behind = await within.query<{ route: string; count: number; bytes: number }>(
    `SELECT route, greatest(0, head - greatest(cursor, first - 1)) AS count, (
       SELECT avg(${bytesOf}) FROM (SELECT * FROM log WHERE seq > cursor ORDER BY seq LIMIT ${sample}) e)::float AS bytes
     FROM unnest($1::text[]) route,
       LATERAL (SELECT cursor FROM progress p WHERE p.route = route.route ORDER BY epoch DESC, n DESC LIMIT 1) progress,
       (SELECT last AS head FROM appends ORDER BY last DESC LIMIT 1) newest,
       (SELECT coalesce(min(seq), 0) AS first FROM entries) oldest`,
    [routes],
  );
  return behind.map(({ route, count, bytes }) => ({
    bytes: Number(count) * Number(bytes),
    text: lagText(route, Number(count)),
  }));
}
