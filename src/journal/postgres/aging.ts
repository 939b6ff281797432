import { mostActs } from '../audit.ts';
import { mostRows } from '../junk.ts';
import { type Attempt, triesIn } from '../route-session.ts';
import type { Queryable } from './connection.ts';
import { forgetDrift } from './drift.ts';
import type { Bounds } from './drop.ts';

/** Rows of the delivery log that are looked at in one step. */
const mostLogged = 5_000;

/**
 * Forgets what was dead or quarantined before a time, which the delivery log says, and what operators have done before it.
 * @param before Unix milliseconds @returns whether there is more to do
 */
export async function expire(within: Queryable, before: number): Promise<boolean> {
  const gone = await within.query<{ route: string; seq: number; attempts: string }>(
    `DELETE FROM deliveries WHERE number IN (
       SELECT number FROM deliveries WHERE state <> 'waiting' AND updated_at < $1 ORDER BY updated_at LIMIT ${mostRows})
     RETURNING route, seq, attempts`,
    [before],
  );
  if (gone.length > 0) {
    await within.query(
      `INSERT INTO delivery_log (first, last, attempts, route, outcome)
       SELECT seq, seq, tries, route, 'expired' FROM unnest($1::text[], $2::bigint[], $3::integer[]) u(route, seq, tries)`,
      [
        gone.map(({ route }) => route),
        gone.map(({ seq }) => seq),
        gone.map(({ attempts }) => triesIn(JSON.parse(attempts) as Attempt[])), // as a route's session wrote them
      ],
    );
  }
  // The newest one stays: daemons remember how far they have told them.
  const acts = await within.query(
    `DELETE FROM audit WHERE number IN (
       SELECT number FROM audit, (SELECT max(number) AS newest FROM audit) m
       WHERE number < newest AND (at < $1 OR number <= newest - ${mostActs}) LIMIT ${mostRows}) RETURNING 1`,
    [before],
  );
  await forgetDrift(within, before);
  return gone.length + acts.length > 0;
}

/** Forgets what became of deliveries, and when brokers were away, before a time. */
export class History {
  /** What stands before is gone. */
  #position = 0;

  /** Where the journal is nearly full, what is about entries that all have settled goes too. Returns whether there is more to do. */
  async forget(within: Queryable, { oldest, through, isNearlyFull }: Bounds): Promise<boolean> {
    await within.query('DELETE FROM outages WHERE until < $1', [oldest]);
    await within.query(
      `DELETE FROM selections old WHERE EXISTS (
         SELECT FROM selections next WHERE next.route = old.route AND next.after > old.after
           AND next.after < (SELECT min(seq) FROM entries))`,
    );
    await within.query(
      `DELETE FROM dropped d USING routes r, LATERAL (
         SELECT cursor FROM progress p WHERE p.route = r.route ORDER BY epoch DESC, n DESC LIMIT 1) newest
       WHERE d.route = r.route AND d.seq <= newest.cursor`,
    );
    const rows = await within.query<{ number: number; over: boolean }>(
      `SELECT number, at < $2 OR last <= $3 AS over FROM delivery_log WHERE number > $1 ORDER BY number LIMIT ${mostLogged}`,
      [this.#position, oldest, isNearlyFull ? (through ?? 0) : 0],
    );
    const young = rows.findIndex(({ over }) => !over);
    const last = young === -1 ? rows.at(-1) : rows[young - 1];
    if (last === undefined) return false;
    await within.query('DELETE FROM delivery_log WHERE number > $1 AND number <= $2', [this.#position, last.number]);
    this.#position = last.number;
    return young === -1;
  }
}
