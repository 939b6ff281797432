import type { StatementSync } from 'node:sqlite';
import type { Recorded, Settlement } from '../route-session.ts';
import type { Connection } from './connection.ts';
import type { Deliveries } from './deliveries.ts';

/** How long a route's progress may wait for a commit that it can share, in milliseconds. */
const commitWithin = 100;

interface Staged {
  cursor: number;
  /** By seq: the record that it gets, or null where it loses the one it had. */
  readonly records: Map<number, Recorded | null>;
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
      const exists = record.exists && staged.records.get(record.seq)?.exists !== false;
      staged.records.set(record.seq, { ...record, exists });
    }
    for (const seq of settled) staged.records.set(seq, null);
    this.#timer ??= setTimeout(() => this.#tryCommit(), commitWithin);
    this.#next ??= Promise.withResolvers();
    return this.#next.promise;
  }

  /** Writes all of it, within a transaction of the caller's, who says when that is committed. */
  write(): void {
    for (const [route, { cursor, records }] of this.#routes) {
      for (const [seq, record] of records) {
        if (record === null) {
          this.#deliveries.settle(route, seq);
          this.#onFreed(seq);
        } else this.#deliveries.record(route, record);
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
    if (records.some((record) => record !== null)) this.commit();
  }

  /** Entries whose records are still in the table, though they are settled. */
  settledOf(route: string): ReadonlySet<number> {
    const records = [...(this.#routes.get(route)?.records ?? [])];
    return new Set(records.filter(([, record]) => record === null).map(([seq]) => seq));
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
