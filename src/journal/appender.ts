import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Notification } from '../kazoo/notification.ts';
import { Blocks } from './blocks.ts';
import { StoredEntry } from './entry.ts';
import type { Entry } from './journal.ts';
import { Occurrences } from './occurrences.ts';
import { addRow, insertNotifications } from './rows.ts';

/** How many rows a statement inserts: as many one by one cost half as much again. */
const rowsAtOnce = 10;

/** Puts notifications into the table, with statements that are prepared once: intake's hot path. */
export class Appender {
  readonly #insertOne: StatementSync;
  readonly #insertMany: StatementSync;
  readonly #takeBack: StatementSync;
  readonly #listUndecodable: StatementSync;
  readonly #occurrences: Occurrences;
  readonly #blocks: Blocks;

  constructor(database: DatabaseSync) {
    this.#insertOne = database.prepare(insertNotifications(1));
    this.#insertMany = database.prepare(insertNotifications(rowsAtOnce));
    this.#takeBack = database.prepare('DELETE FROM notifications WHERE seq > ?');
    this.#listUndecodable = database.prepare(`
      INSERT INTO deliveries (route, seq, state, reason, attempts, updated_at) VALUES ('', ?, 'undecodable', ?, '[]', ?)`);
    this.#occurrences = new Occurrences(database);
    this.#blocks = new Blocks(database);
  }

  /**
   * Inserts those that are new, numbered on from `last`, and returns their entries. The transaction is the caller's,
   * who says when it is committed.
   */
  insert(batch: readonly Notification[], last: number): Entry[] {
    this.#occurrences.rollBack();
    const fresh: Entry[] = [];
    for (let first = 0; first < batch.length; first += rowsAtOnce) {
      const some = batch.slice(first, first + rowsAtOnce);
      this.#insertSome(some, last + fresh.length, fresh);
    }
    this.#blocks.add(fresh);
    return fresh;
  }

  committed(): void {
    this.#occurrences.commit();
  }

  #insertSome(some: readonly Notification[], last: number, fresh: Entry[]): void {
    const resends = some.map((notification) => this.#occurrences.firstOrAdd(notification));
    const isWhole = some.length === rowsAtOnce && this.#insertWhole(some, resends, last);
    let seq = last;
    for (const [index, notification] of some.entries()) {
      const resendOf = resends[index] ?? null;
      if (!isWhole && !this.#insertSingle(notification, seq + 1, resendOf)) continue;
      seq += 1;
      fresh.push(StoredEntry.of(notification, seq, resendOf));
      if (notification.state === 'undecodable') this.#quarantineForAll(notification, seq);
    }
  }

  /** Inserts all; or nothing, where one of them is in the table already, so that the numbers have no gaps. */
  #insertWhole(some: readonly Notification[], resends: readonly (string | null)[], last: number): boolean {
    const values: SQLInputValue[] = [];
    for (const [index, notification] of some.entries()) {
      addRow(values, notification, last + 1 + index, resends[index] ?? null);
    }
    const { changes } = this.#insertMany.run(...values);
    if (changes === some.length) return true;
    this.#takeBack.run(last);
    return false;
  }

  /** False where it is in the table already. */
  #insertSingle(notification: Notification, seq: number, resendOf: string | null): boolean {
    const values: SQLInputValue[] = [];
    addRow(values, notification, seq, resendOf);
    return this.#insertOne.run(...values).changes !== 0;
  }

  #quarantineForAll({ problems }: Notification, seq: number): void {
    this.#listUndecodable.run(seq, problems[0]?.message ?? 'undecodable', Date.now());
  }
}
