import type { StatementSync } from 'node:sqlite';
import type { DeliveryTallies } from '../delivery-tallies.ts';
import type { Settlement } from '../route-session.ts';
import { count, hasRecords, isRecorded, passedWithin, Staging, settledIn, unawaited } from '../staging.ts';
import type { Connection } from './connection.ts';
import type { Deliveries } from './deliveries.ts';
import type { DeliveryLog } from './delivery-log.ts';

/** How long a route's progress may wait for a commit that it can share, in milliseconds. */
const commitWithin = 10;

/** Such a commit doesn't wait for the disk, unless none has for this long, in milliseconds: a power cut undoes no more. */
const syncEvery = 1_000;

/** Where it goes. */
interface Targets {
  readonly deliveries: Deliveries;
  readonly log: DeliveryLog;
  readonly counts: DeliveryTallies;
}

/** The progress of routes that waits for the next commit. */
export class Settlements {
  readonly #connection: Connection;
  readonly #targets: Targets;
  readonly #onFreed: (seq: number) => void;
  readonly #saveCursor: StatementSync;
  readonly #saveAhead: StatementSync;
  readonly #dropAhead: StatementSync;
  readonly #readAhead: StatementSync;
  /** Routes with a line of what is settled ahead. */
  readonly #withAhead: Set<string>;
  readonly #staging = new Staging();
  #timer: NodeJS.Timeout | undefined;
  #passedTimer: NodeJS.Timeout | undefined;
  /** Of the next commit. */
  #next: PromiseWithResolvers<void> | undefined;
  /** By the monotonic clock. */
  #syncedAt = Number.NEGATIVE_INFINITY;

  /** @param onFreed is told of each entry that loses a record */
  constructor(connection: Connection, targets: Targets, onFreed: (seq: number) => void) {
    this.#connection = connection;
    this.#targets = targets;
    this.#onFreed = onFreed;
    const { database } = connection;
    this.#saveCursor = database.prepare('UPDATE routes SET cursor = ? WHERE name = ?');
    // An operator may have forgotten the route.
    this.#saveAhead = database.prepare(
      'INSERT OR REPLACE INTO settled_ahead (route, seqs) SELECT name, ? FROM routes WHERE name = ?',
    );
    this.#readAhead = database.prepare('SELECT value FROM settled_ahead, json_each(seqs) WHERE route = ?');
    this.#dropAhead = database.prepare('DELETE FROM settled_ahead WHERE route = ?');
    const lines = database.prepare('SELECT route FROM settled_ahead').all();
    this.#withAhead = new Set(lines.map(({ route }) => String(route)));
  }

  /** Returns the next commit's promise, which rejects where that fails: then all waits for the one after it. */
  stage(route: string, settlement: Settlement): Promise<void> {
    if (!this.#staging.add(route, settlement)) {
      this.#passedTimer ??= setTimeout(() => this.#tryCommit(), passedWithin);
      return unawaited;
    }
    this.#timer ??= setTimeout(() => this.#tryCommit(), commitWithin);
    this.#next ??= Promise.withResolvers();
    return this.#next.promise;
  }

  /** Writes all of it, within a transaction of the caller's, who says when that is committed. */
  write(): void {
    const { deliveries, log } = this.#targets;
    const now = Date.now();
    for (const [route, { cursor, ahead, records, runs }] of this.#staging.routes) {
      for (const record of records.values()) {
        if (isRecorded(record)) deliveries.record(route, record);
        else {
          deliveries.settle(route, record);
          log.addRecord(route, record, now);
          this.#onFreed(record.seq);
        }
      }
      log.addRuns(route, runs, now);
      this.#saveCursor.run(cursor, route);
      if (ahead.length > 0) this.#saveAhead.run(JSON.stringify(ahead), route);
      else if (this.#withAhead.has(route)) this.#dropAhead.run(route);
    }
  }

  /** All of it, by a commit that has waited for the disk. */
  synced(): void {
    this.#syncedAt = performance.now();
    this.#committed();
  }

  #committed(): void {
    for (const [route, staged] of this.#staging.routes) {
      count(this.#targets.counts, route, staged);
      if (staged.ahead.length > 0) this.#withAhead.add(route);
      else this.#withAhead.delete(route);
    }
    this.#staging.clear();
    this.#takeNext()?.resolve();
  }

  /** @throws JournalError */
  commit(): void {
    clearTimeout(this.#passedTimer);
    this.#passedTimer = undefined;
    this.#staging.takePassed();
    if (this.#staging.routes.size === 0) return;
    const isSynced = performance.now() - this.#syncedAt >= syncEvery;
    try {
      this.#connection.transaction(() => this.write(), isSynced ? 'FULL' : 'NORMAL');
    } catch (error) {
      this.#takeNext()?.reject(error);
      throw error;
    }
    if (isSynced) this.synced();
    else this.#committed();
  }

  /**
   * A session begins. If the last one ended without saying so, no cursor covers what it settled ahead: that is logged
   * now, and kept beside what this session settles, until the cursor has passed it.
   */
  begin(route: string): void {
    this.#staging.begin(route, []);
    if (!this.#withAhead.has(route)) return;
    this.#connection.transaction(() => this.#targets.log.addAhead(route, Date.now()));
    const ahead = this.#readAhead.all(route).map(({ value }) => Number(value));
    this.#staging.begin(route, ahead);
  }

  /** What is staged can't be seen in the tables: where a record would be missed there, it is committed first. */
  commitRecords(route: string): void {
    if (hasRecords(this.#staging.routes.get(route))) this.commit();
  }

  settledOf(route: string): ReadonlyMap<number, number> {
    return settledIn(this.#staging.routes.get(route));
  }

  /** Commits it a last time. What can't be is delivered again. */
  close(): void {
    this.#tryCommit();
  }

  #tryCommit(): void {
    try {
      this.commit();
    } catch {
      // Those that wait for the commit are notified.
    }
  }

  #takeNext(): PromiseWithResolvers<void> | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}
