import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { joinedWithin, mostOutages, notRunning, OutageChanges, shortestStop } from '../outages.ts';
import type { Outage } from '../reader.ts';
import { lastSign } from './clock.ts';
import type { Companion } from './companion.ts';

/** While no daemon ran, all brokers were away: what it was about to tell of them ended with it. */
interface Stop {
  readonly since: number;
  readonly until: number;
}

/** When nothing was taken from a broker. Changes are written with what is written anyway, or within a second. */
export class Outages implements Companion {
  readonly changes = new OutageChanges();
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #resume: StatementSync;
  readonly #end: StatementSync;
  #stop: Stop | null;

  constructor(database: DatabaseSync) {
    this.#database = database;
    const since = lastSign(database);
    this.#stop = since === null ? null : { since, until: Date.now() };
    this.#begin = database.prepare(
      'INSERT INTO outages (since, until, zone, broker, reason, code) VALUES (?, NULL, ?, ?, ?, ?)',
    );
    this.#resume = database.prepare(`
      UPDATE outages SET until = NULL, reason = ?, code = ? WHERE number = (
        SELECT max(number) FROM outages WHERE zone = ? AND broker = ?) AND (until IS NULL OR until > ?)`);
    this.#end = database.prepare('UPDATE outages SET until = ? WHERE zone = ? AND broker = ? AND until IS NULL');
  }

  get isDue(): boolean {
    return this.#stop !== null || this.changes.isDue;
  }

  write(): void {
    if (this.#stop !== null) this.#writeStop(this.#stop);
    for (const change of this.changes.toWrite()) {
      const { zone, broker } = change.of;
      if ('until' in change) this.#end.run(change.until, zone, broker);
      else {
        const { since, reason, code } = change;
        const { changes } = this.#resume.run(reason, code, zone, broker, since - joinedWithin);
        if (changes === 0) this.#begin.run(since, zone, broker, reason, code);
      }
    }
    this.#database.exec(`DELETE FROM outages WHERE number <= (SELECT max(number) FROM outages) - ${mostOutages}`);
  }

  written(): void {
    this.#stop = null;
    this.changes.written();
  }

  #writeStop({ since, until }: Stop): void {
    this.#database.prepare('UPDATE outages SET until = max(since, ?) WHERE until IS NULL').run(since);
    if (until - since < shortestStop) return;
    const { lastInsertRowid } = this.#begin.run(since, '', '', notRunning, null);
    this.#database.prepare('UPDATE outages SET until = ? WHERE number = ?').run(until, lastInsertRowid);
  }
}

/** Those that were over before then. */
export function dropOldOutages(database: DatabaseSync, before: number): void {
  database.prepare('DELETE FROM outages WHERE until < ?').run(before);
}

/** Those that touch a span of time, oldest first. */
export function outagesBetween(database: DatabaseSync, since: number, until: number): Outage[] {
  return database
    .prepare('SELECT * FROM outages WHERE since <= ? AND (until IS NULL OR until >= ?) ORDER BY since, number')
    .all(until, since)
    .map((row) => ({
      since: Number(row.since),
      until: row.until === null ? null : Number(row.until),
      zone: String(row.zone),
      broker: String(row.broker),
      reason: String(row.reason),
      code: row.code as Outage['code'], // as it was inserted
      daemon: null,
    }));
}
