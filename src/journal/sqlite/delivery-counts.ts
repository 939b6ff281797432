import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { DeliveryTallies, keptSince, startOf } from '../delivery-tallies.ts';
import type { Clock } from '../journal.ts';
import { type CountSpan, countSpans, type DeliveryCount } from '../reader.ts';
import type { Companion } from './companion.ts';

/** Writes the tallies with what is written anyway. */
export class DeliveryCounts implements Companion {
  readonly tallies: DeliveryTallies;
  readonly #clock: Clock;
  readonly #add: StatementSync;
  readonly #drop: StatementSync;

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#add = database.prepare(`
      INSERT INTO delivery_counts (span, start, route, event, delivered, dead, quarantined, last)
      VALUES (?1, ?2 - ?2 % ?1, ?3, ?4, ?5, ?6, ?7, ?8)
      ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered, dead = dead + excluded.dead,
        quarantined = quarantined + excluded.quarantined, last = coalesce(max(last, excluded.last), excluded.last, last)`);
    this.#drop = database.prepare('DELETE FROM delivery_counts WHERE span = ? AND start < ?');
    const names = database.prepare('SELECT DISTINCT route, event FROM delivery_counts').all();
    this.tallies = new DeliveryTallies(
      names.map(({ route, event }) => ({ route: String(route), event: String(event) })),
    );
  }

  get isDue(): boolean {
    return this.tallies.isDue;
  }

  write(): void {
    for (const { start, route, event, delivered, dead, quarantined, last } of this.tallies.toWrite()) {
      for (const span of Object.values(countSpans))
        this.#add.run(span, start, route, event, delivered, dead, quarantined, last);
    }
    // A clock that is set forward would make all of them old.
    if (!this.#clock.isTrusted) return;
    for (const { span, start } of keptSince(Date.now())) this.#drop.run(span, start);
  }

  written(): void {
    this.tallies.written();
  }
}

/** What is written, from a time on, oldest first. */
export function countsIn(database: DatabaseSync, per: CountSpan, since: number): DeliveryCount[] {
  const span = countSpans[per];
  return database
    .prepare('SELECT * FROM delivery_counts WHERE span = ? AND start >= ? ORDER BY start, route, event')
    .all(span, startOf(since, span))
    .map((row) => ({
      start: Number(row.start),
      route: String(row.route),
      event: String(row.event),
      delivered: Number(row.delivered),
      dead: Number(row.dead),
      quarantined: Number(row.quarantined),
      last: row.last === null ? null : Number(row.last),
    }));
}
