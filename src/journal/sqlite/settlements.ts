import type { StatementSync } from 'node:sqlite';
import type { Recorded, RecordKey, Settlement } from '../route-session.ts';
import type { Connection } from './connection.ts';
import type { Deliveries } from './deliveries.ts';

/** How long a route's progress may wait for a commit that it can share, in milliseconds. */
const commitWithin = 100;

interface Staged {
  cursor: number;
  /** By seq: the record that it gets, or which one it loses. */
  readonly records: Map<number, Recorded | RecordKey>;
}

/** The progress of routes that waits for the next commit. */
export class Settlements {
  readonly #connection: Connection;
  readonly #deliveries: Deliveries;
  readonly #onFreed: (seq: number) => void;
  readonly #saveCursor: StatementSync;
  readonly #routes = new Map<string, Staged>();
  #timer: NodeJS.Timeout | undefined;
  /** Of the next commit. */
  #next: PromiseWithResolvers<void> | undefined;

  /** @param onFreed is told of each entry that loses a record */
  constructor(connection: Connection, deliveries: Deliveries, onFreed: (seq: number) => void) {
    this.#connection = connection;
    this.#deliveries = deliveries;
    this.#onFreed = onFreed;
    this.#saveCursor = connection.database.prepare('UPDATE routes SET cursor = ? WHERE name = ?');
  }

  /** Returns the next commit's promise, which rejects where that fails: then all waits for the one after it. */
  stage(route: string, { cursor, recorded, settled }: Settlement): Promise<void> {
    let staged = this.#routes.get(route);
    if (staged === undefined) {
      staged = { cursor, records: new Map() };
      this.#routes.set(route, staged);
    }
    staged.cursor = cursor;
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
    for (const [route, { cursor, records }] of this.#routes) {
      for (const record of records.values()) {
        if (isRecorded(record)) this.#deliveries.record(route, record);
        else {
          this.#deliveries.settle(route, record);
          this.#onFreed(record.seq);
        }
      }
      this.#saveCursor.run(cursor, route);
    }
  }

  committed(): void {
    this.#routes.clear();
    this.#takeNext()?.resolve();
  }

  /** @throws JournalError */
  commit(): void {
    if (this.#routes.size === 0) return;
    try {
      this.#connection.transaction(() => this.write());
    } catch (error) {
      this.#takeNext()?.reject(error);
      throw error;
    }
    this.committed();
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

function isRecorded(record: Recorded | RecordKey): record is Recorded {
  return 'state' in record;
}
