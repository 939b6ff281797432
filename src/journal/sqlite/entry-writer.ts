import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { Entry } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import { BlockIndex } from './block-index.ts';
import { DriftCounter } from './drift.ts';
import { Invalid } from './invalid.ts';
import { ResendIndex } from './resend-index.ts';
import { addRow, insertNotifications } from './rows.ts';

/** How many rows a statement inserts: as many one by one cost half as much again. */
const rowsAtOnce = 10;

/** Puts notifications into the table, with statements that are prepared once: intake's hot path. */
export class EntryWriter {
  readonly #insertOne: StatementSync;
  readonly #insertMany: StatementSync;
  readonly #takeBack: StatementSync;
  readonly #countRedelivery: StatementSync;
  readonly #listUndecodable: StatementSync;
  readonly #resends: ResendIndex;
  readonly #blocks: BlockIndex;
  readonly #invalid: Invalid;
  readonly #drift: DriftCounter;

  constructor(database: DatabaseSync) {
    this.#insertOne = database.prepare(insertNotifications(1));
    this.#insertMany = database.prepare(insertNotifications(rowsAtOnce));
    this.#takeBack = database.prepare('DELETE FROM notifications WHERE seq > ?');
    this.#countRedelivery = database.prepare(`
      INSERT INTO redeliveries (seq, count, last) SELECT seq, 1, ?2 FROM notifications WHERE id = ?1
      ON CONFLICT DO UPDATE SET count = count + 1, last = excluded.last`);
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
    const originals = some.map((notification) => this.#resends.firstOrAdd(notification));
    const whole = some.length === rowsAtOnce ? this.#insertWhole(some, originals, last) : null;
    for (const entry of whole ?? this.#insertEach(some, originals, last)) {
      fresh.push(entry);
      if (entry.state === 'undecodable') this.#quarantineForAll(entry);
    }
  }

  /** Inserts all; or nothing, where one of them is in the table already, so that the numbers have no gaps. */
  #insertWhole(some: readonly Notification[], originals: readonly (string | null)[], last: number): Entry[] | null {
    const values: SQLInputValue[] = [];
    const entries = some.map((notification, index) => {
      const entry = new Entry(last + 1 + index, originals[index] ?? null, notification);
      addRow(values, entry, notification);
      return entry;
    });
    if (this.#insertMany.run(...values).changes === entries.length) return entries;
    this.#takeBack.run(last);
    return null;
  }

  /** Inserts one by one those that aren't in the table already, counts the others, and returns the new ones with the numbers that they got. */
  #insertEach(some: readonly Notification[], originals: readonly (string | null)[], last: number): Entry[] {
    const inserted: Entry[] = [];
    for (const [index, notification] of some.entries()) {
      const entry = new Entry(last + 1 + inserted.length, originals[index] ?? null, notification);
      const values: SQLInputValue[] = [];
      addRow(values, entry, notification);
      if (this.#insertOne.run(...values).changes !== 0) inserted.push(entry);
      else this.#countRedelivery.run(entry.header.id, entry.header.receivedAt);
    }
    return inserted;
  }

  #quarantineForAll({ seq, problems }: Entry): void {
    this.#listUndecodable.run(seq, problems[0]?.message ?? 'undecodable', Date.now());
  }
}
