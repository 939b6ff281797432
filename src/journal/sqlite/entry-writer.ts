import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Notification } from '../../kazoo/notification.ts';
import type { Entry } from '../../notification/entry.ts';
import { StoredEntry } from '../entry.ts';
import { BlockIndex } from './block-index.ts';
import { DriftCounter } from './drift.ts';
import { Invalid } from './invalid.ts';
import { ResendIndex } from './resend-index.ts';
import { addRow, insertNotifications, type NotificationRow } from './rows.ts';

/** How many rows a statement inserts: as many one by one cost half as much again. */
const rowsAtOnce = 10;

/** Puts notifications into the table, with statements that are prepared once: intake's hot path. */
export class EntryWriter {
  readonly #insertOne: StatementSync;
  readonly #insertMany: StatementSync;
  readonly #takeBack: StatementSync;
  readonly #listUndecodable: StatementSync;
  readonly #resends: ResendIndex;
  readonly #blocks: BlockIndex;
  readonly #invalid: Invalid;
  readonly #drift: DriftCounter;

  constructor(database: DatabaseSync) {
    this.#insertOne = database.prepare(insertNotifications(1));
    this.#insertMany = database.prepare(insertNotifications(rowsAtOnce));
    this.#takeBack = database.prepare('DELETE FROM notifications WHERE seq > ?');
    this.#listUndecodable = database.prepare(`
      INSERT INTO deliveries (route, seq, state, reason, attempts, updated_at) VALUES ('', ?, 'undecodable', ?, '[]', ?)`);
    this.#resends = new ResendIndex(database);
    this.#blocks = new BlockIndex(database);
    this.#invalid = new Invalid(database);
    this.#drift = new DriftCounter(database);
  }

  /**
   * Inserts those that are new, numbered on from `last`, and returns their entries. The transaction is the caller's,
   * who says when it is committed.
   */
  insert(batch: readonly Notification[], last: number): Entry[] {
    this.#resends.rollBack();
    const fresh: Entry[] = [];
    for (let first = 0; first < batch.length; first += rowsAtOnce) {
      const some = batch.slice(first, first + rowsAtOnce);
      this.#insertSome(some, last + fresh.length, fresh);
    }
    this.#blocks.add(fresh);
    this.#invalid.add(fresh);
    this.#drift.add(batch, fresh);
    return fresh;
  }

  committed(): void {
    this.#resends.commit();
  }

  #insertSome(some: readonly Notification[], last: number, fresh: Entry[]): void {
    const rows = some.map((notification, index) => ({
      notification,
      seq: last + 1 + index,
      resendOf: this.#resends.firstOrAdd(notification),
    }));
    const inserted = rows.length === rowsAtOnce && this.#insertWhole(rows, last) ? rows : this.#insertEach(rows, last);
    for (const { notification, seq, resendOf } of inserted) {
      fresh.push(StoredEntry.of(notification, seq, resendOf));
      if (notification.state === 'undecodable') this.#quarantineForAll(notification, seq);
    }
  }

  /** Inserts all; or nothing, where one of them is in the table already, so that the numbers have no gaps. */
  #insertWhole(rows: readonly NotificationRow[], last: number): boolean {
    const values: SQLInputValue[] = [];
    for (const row of rows) addRow(values, row);
    const { changes } = this.#insertMany.run(...values);
    if (changes === rows.length) return true;
    this.#takeBack.run(last);
    return false;
  }

  /** Inserts one by one those that aren't in the table already, and returns them with the numbers that they got. */
  #insertEach(rows: readonly NotificationRow[], last: number): NotificationRow[] {
    const inserted: NotificationRow[] = [];
    for (const { notification, resendOf } of rows) {
      const row = { notification, seq: last + 1 + inserted.length, resendOf };
      const values: SQLInputValue[] = [];
      addRow(values, row);
      if (this.#insertOne.run(...values).changes !== 0) inserted.push(row);
    }
    return inserted;
  }

  #quarantineForAll({ problems }: Notification, seq: number): void {
    this.#listUndecodable.run(seq, problems[0]?.message ?? 'undecodable', Date.now());
  }
}
