import { joinedWithin, mostOutages, notRunning, OutageChanges, shortestStop } from '../outages.ts';
import type { Outage } from '../reader.ts';
import type { Companion } from './companions.ts';
import type { Database, Queryable } from './connection.ts';
import { ttl } from './lease.ts';

/** When this daemon took nothing from a broker: what others tell of theirs isn't touched. */
export class Outages implements Companion {
  readonly changes: OutageChanges;
  readonly #database: Database;
  readonly #name: string;

  /** @param name of the daemon; @param changes what it tells, perhaps since before the database was reached */
  constructor(database: Database, name: string, changes = new OutageChanges()) {
    this.#database = database;
    this.#name = name;
    this.changes = changes;
  }

  get isDue(): boolean {
    return this.changes.isDue;
  }

  /**
   * Before the daemon's first sign of life: what it was about to tell when it ended ended with it; and where no other one
   * has run since the last sign of any, that is an outage of its own.
   * @param running for how long this one has run, in milliseconds: it has taken what came since then
   */
  async begin(running = 0): Promise<void> {
    const told = [this.#name, ttl, shortestStop, notRunning, Math.round(running)];
    await this.#database.query('SELECT note_start($1, $2, $3, $4, $5)', told);
  }

  /** One after the other; what can't be written goes with the next one. @throws JournalError */
  async write(): Promise<void> {
    const changes = this.changes.toWrite();
    await this.#database.transaction(async (within) => {
      for (const change of changes) {
        const of = [this.#name, change.of.zone, change.of.broker];
        if ('until' in change)
          await within.query(
            'UPDATE outages SET until = $4 WHERE name = $1 AND zone = $2 AND broker = $3 AND until IS NULL',
            [...of, change.until],
          );
        else
          await within.query('SELECT note_outage($1, $2, $3, $4, $5, $6, $7)', [
            ...[...of, change.since, change.reason],
            ...[change.code === null ? null : JSON.stringify(change.code), joinedWithin],
          ]);
      }
      await within.query(`DELETE FROM outages WHERE number <= (SELECT max(number) FROM outages) - ${mostOutages}`);
    });
    this.changes.written();
  }
}

/** Those that touch a span of time, oldest first: what a daemon didn't end that is gone ended with that. */
export async function outagesBetween(database: Queryable, since: number, until: number): Promise<Outage[]> {
  const rows = await database.query<Outage>(
    `SELECT since, until, zone, broker, reason, code, CASE WHEN broker = '' THEN NULL ELSE name END AS daemon FROM (
       SELECT o.number, o.since, coalesce(o.until, gone.until) AS until, o.zone, o.broker, o.reason, o.code, o.name
       FROM outages o LEFT JOIN LATERAL (
         SELECT greatest(o.since, last_life(o.name, $3)) AS until WHERE o.until IS NULL AND NOT EXISTS (
           SELECT FROM daemons d WHERE d.name = o.name AND d.stopped_at IS NULL AND is_alive(d.holder))) gone ON true
       WHERE o.since <= $2 AND (o.until IS NULL OR o.until >= $1)) touching
     WHERE until IS NULL OR until >= $1 ORDER BY since, number`,
    [since, until, ttl],
  );
  return [...rows];
}
