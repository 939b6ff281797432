import { DeliveryTallies, keptSince, startOf } from '../delivery-tallies.ts';
import type { Clock } from '../journal.ts';
import { type CountSpan, countSpans, type DeliveryCount } from '../reader.ts';
import type { Companion } from './companions.ts';
import type { Database, Queryable } from './connection.ts';

/** Writes a daemon's tallies once a minute: those of all daemons are added up. */
export class DeliveryCounts implements Companion {
  readonly tallies: DeliveryTallies;
  readonly #database: Database;
  readonly #clock: Clock;

  private constructor(database: Database, clock: Clock, tallies: DeliveryTallies) {
    this.#database = database;
    this.#clock = clock;
    this.tallies = tallies;
  }

  static async open(database: Database, clock: Clock): Promise<DeliveryCounts> {
    const names = await database.query<Pick<DeliveryCount, 'route' | 'event'>>(
      'SELECT DISTINCT route, event FROM delivery_counts',
    );
    return new DeliveryCounts(database, clock, new DeliveryTallies(names));
  }

  get isDue(): boolean {
    return this.tallies.isDue;
  }

  /** One after the other; what can't be written goes with the next one. @throws JournalError */
  async write(): Promise<void> {
    const rows = this.tallies.toWrite();
    const columns = ['start', 'route', 'event', 'delivered', 'dead', 'quarantined', 'last'] as const;
    await this.#database.query(
      // In one order, so that no two daemons wait for each other.
      `INSERT INTO delivery_counts AS c (span, start, route, event, delivered, dead, quarantined, last)
       SELECT s.span, n.start - n.start % s.span AS start, n.route, n.event,
         sum(n.delivered), sum(n.dead), sum(n.quarantined), max(n.last)
       FROM unnest($1::bigint[]) s (span), unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
         $8::bigint[]) n (start, route, event, delivered, dead, quarantined, last)
       GROUP BY s.span, n.start - n.start % s.span, n.route, n.event ORDER BY 1, 2, 3, 4
       ON CONFLICT (span, start, route, event) DO UPDATE SET delivered = c.delivered + excluded.delivered,
         dead = c.dead + excluded.dead, quarantined = c.quarantined + excluded.quarantined, last = greatest(c.last, excluded.last)`,
      [Object.values(countSpans), ...columns.map((column) => rows.map((row) => row[column]))],
    );
    this.tallies.written();
    // A clock that is set forward would make all of them old.
    if (!this.#clock.isTrusted) return;
    for (const { span, start } of keptSince(Date.now()))
      await this.#database.query('DELETE FROM delivery_counts WHERE span = $1 AND start < $2', [span, start]);
  }
}

/** What is written, from a time on, oldest first. */
export async function countsIn(database: Queryable, per: CountSpan, since: number): Promise<DeliveryCount[]> {
  const span = countSpans[per];
  const rows = await database.query<DeliveryCount>(
    `SELECT start, route, event, delivered, dead, quarantined, last FROM delivery_counts
     WHERE span = $1 AND start >= $2 ORDER BY start, route, event`,
    [span, startOf(since, span)],
  );
  return [...rows];
}
