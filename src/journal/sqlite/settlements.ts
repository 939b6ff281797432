import type { StatementSync } from 'node:sqlite';
import type { Recorded, RecordKey, Settlement } from '../route-session.ts';
import type { Connection } from './connection.ts';
import type { Deliveries } from './deliveries.ts';

/** How long a route's progress may wait for a commit that it can share, in milliseconds. */
const commitWithin = 10;

/** Such a commit doesn't wait for the disk, unless none has for this long, in milliseconds: a power cut undoes no more. */
const syncEvery = 1_000;

interface Staged {
  cursor: number;
  ahead: readonly number[];
  /** By seq: the record that it gets, or which one it loses. */
  readonly records: Map<number, Recorded | RecordKey>;
}

/** The progress of routes that waits for the next commit. */
export class Settlements {
  readonly #connection: Connection;
  readonly #deliveries: Deliveries;
  readonly #onFreed: (seq: number) => void;
  readonly #saveCursor: StatementSync;
  readonly #saveAhead: StatementSync;
  readonly #dropAhead: StatementSync;
  /** Routes with a line of what is settled ahead. */
  readonly #withAhead: Set<string>;
  readonly #routes = new Map<string, Staged>();
  #timer: NodeJS.Timeout | undefined;
  /** Of the next commit. */
  #next: PromiseWithResolvers<void> | undefined;
  /** By the monotonic clock. */
  #syncedAt = Number.NEGATIVE_INFINITY;

  /** @param onFreed is told of each entry that loses a record */
  constructor(connection: Connection, deliveries: Deliveries, onFreed: (seq: number) => void) {
    this.#connection = connection;
    this.#deliveries = deliveries;
    this.#onFreed = onFreed;
    const { database } = connection;
    this.#saveCursor = database.prepare('UPDATE routes SET cursor = ? WHERE name = ?');
    // An operator may have forgotten the route.
    this.#saveAhead = database.prepare(
      'INSERT OR REPLACE INTO settled_ahead (route, seqs) SELECT name, ? FROM routes WHERE name = ?',
    );
    this.#dropAhead = database.prepare('DELETE FROM settled_ahead WHERE route = ?');
    const lines = database.prepare('SELECT route FROM settled_ahead').all();
    this.#withAhead = new Set(lines.map(({ route }) => String(route)));
  }

  /** Returns the next commit's promise, which rejects where that fails: then all waits for the one after it. */
  stage(route: string, { cursor, ahead = none, recorded, settled }: Settlement): Promise<void> {
    let staged = this.#routes.get(route);
    if (staged === undefined) {
      staged = { cursor, ahead, records: new Map() };
      this.#routes.set(route, staged);
    }
    staged.cursor = cursor;
    staged.ahead = ahead;
    for (const record of recorded) {
      // What waits for the commit itself isn't in the table yet.
      const before = staged.records.get(record.seq);
      const isStaged = before !== undefined && isRecorded(before) && !before.exists;
      staged.records.set(record.seq, { ...record, exists: record.exists && !isStaged });
    }
    for (const key of settled) staged.records.set(key.seq, key);
    this.#timer ??= setTimeout(() => this.#tryCommit(), commitWithin);
    this.#next ??= Promise.withResolvers();
    return this.#next.promise;
  }

  /** Writes all of it, within a transaction of the caller's, who says when that is committed. */
  write(): void {
    for (const [route, { cursor, ahead, records }] of this.#routes) {
      for (const record of records.values()) {
        if (isRecorded(record)) this.#deliveries.record(route, record);
        else {
          this.#deliveries.settle(route, record);
          this.#onFreed(record.seq);
        }
      }
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
    for (const [route, { ahead }] of this.#routes) {
      if (ahead.length > 0) this.#withAhead.add(route);
      else this.#withAhead.delete(route);
    }
    this.#routes.clear();
    this.#takeNext()?.resolve();
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
      // Whoever waits for the commit is told.
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

function isRecorded(record: Recorded | RecordKey): record is Recorded {
  return 'state' in record;
}
