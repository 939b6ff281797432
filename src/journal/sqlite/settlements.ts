import type { StatementSync } from 'node:sqlite';
import type { DeliveredRecord, DeliveredRun, Recorded, Settlement } from '../route-session.ts';
import type { Connection } from './connection.ts';
import type { Deliveries } from './deliveries.ts';
import type { DeliveryCounts } from './delivery-counts.ts';
import type { DeliveryLog } from './delivery-log.ts';

/** How long a route's progress may wait for a commit that it can share, in milliseconds. */
const commitWithin = 10;

/** Such a commit doesn't wait for the disk, unless none has for this long, in milliseconds: a power cut undoes no more. */
const syncEvery = 1_000;

interface Staged {
  cursor: number;
  ahead: readonly number[];
  /** By seq: the record that it gets, or which one it loses. */
  readonly records: Map<number, Recorded | DeliveredRecord>;
  readonly runs: DeliveredRun[];
}

/** Where it goes. */
interface Targets {
  readonly deliveries: Deliveries;
  readonly log: DeliveryLog;
  readonly counts: DeliveryCounts;
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
  /** What sessions before this one have settled ahead, by route. */
  readonly #aheadBefore = new Map<string, readonly number[]>();
  /** Routes with a line of what is settled ahead. */
  readonly #withAhead: Set<string>;
  readonly #routes = new Map<string, Staged>();
  #timer: NodeJS.Timeout | undefined;
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
  stage(route: string, { cursor, ahead = none, recorded, settled, delivered }: Settlement): Promise<void> {
    let staged = this.#routes.get(route);
    if (staged === undefined) {
      staged = { cursor, ahead: none, records: new Map(), runs: [] };
      this.#routes.set(route, staged);
    }
    staged.cursor = cursor;
    staged.ahead = this.#allAhead(route, cursor, ahead);
    for (const record of recorded) {
      // What waits for the commit itself isn't in the table yet.
      const before = staged.records.get(record.seq);
      const isStaged = before !== undefined && isRecorded(before) && !before.exists;
      staged.records.set(record.seq, { ...record, exists: record.exists && !isStaged });
    }
    for (const record of settled) staged.records.set(record.seq, record);
    for (const run of delivered) staged.runs.push(run);
    this.#timer ??= setTimeout(() => this.#tryCommit(), commitWithin);
    this.#next ??= Promise.withResolvers();
    return this.#next.promise;
  }

  /** Writes all of it, within a transaction of the caller's, who says when that is committed. */
  write(): void {
    const { deliveries, log } = this.#targets;
    const now = Date.now();
    for (const [route, { cursor, ahead, records, runs }] of this.#routes) {
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
    for (const [route, staged] of this.#routes) {
      this.#count(route, staged);
      if (staged.ahead.length > 0) this.#withAhead.add(route);
      else this.#withAhead.delete(route);
    }
    this.#routes.clear();
    this.#takeNext()?.resolve();
  }

  #count(route: string, { records, runs }: Staged): void {
    const { counts } = this.#targets;
    for (const run of runs) counts.addRun(route, run);
    for (const record of records.values()) {
      if (!isRecorded(record)) counts.add(route, record.event, 'delivered');
      else if (record.state !== 'waiting') counts.add(route, record.event, record.state);
    }
  }

  /** @throws JournalError */
  commit(): void {
    if (this.#routes.size === 0) return;
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
    this.#aheadBefore.delete(route);
    if (!this.#withAhead.has(route)) return;
    this.#connection.transaction(() => this.#targets.log.addAhead(route, Date.now()));
    const ahead = this.#readAhead.all(route).map(({ value }) => Number(value));
    this.#aheadBefore.set(route, ahead);
  }

  /** @param ahead what this session has settled beyond its cursor */
  #allAhead(route: string, cursor: number, ahead: readonly number[]): readonly number[] {
    const before = this.#aheadBefore.get(route)?.filter((seq) => seq > cursor) ?? none;
    if (before.length === 0) {
      this.#aheadBefore.delete(route);
      return ahead;
    }
    this.#aheadBefore.set(route, before);
    return [...before, ...ahead];
  }

  /** What is staged can't be seen in the tables: where a record would be missed there, it is committed first. */
  commitRecords(route: string): void {
    const records = this.#routes.get(route)?.records.values() ?? [];
    if (records.some(isRecorded)) this.commit();
  }

  /** What is still in the table, though it is settled: the `restartedAt` of each, by its entry. */
  settledOf(route: string): ReadonlyMap<number, number> {
    const records = [...(this.#routes.get(route)?.records.values() ?? [])];
    return new Map(records.flatMap((record) => (isRecorded(record) ? [] : [[record.seq, record.restartedAt]])));
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

const none: readonly never[] = [];

function isRecorded(record: Recorded | DeliveredRecord): record is Recorded {
  return 'state' in record;
}
