import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Notification } from '../kazoo/notification.ts';
import { Blocks } from './blocks.ts';
import { StoredEntry } from './entry.ts';
import type { Entry } from './journal.ts';
import { Occurrences } from './occurrences.ts';
import { insertNotification, notificationRow } from './rows.ts';

/** Puts notifications into the table, with statements that are prepared once: intake's hot path. */
export class Appender {
  readonly #insert: StatementSync;
  readonly #listUndecodable: StatementSync;
  readonly #occurrences: Occurrences;
  readonly #blocks: Blocks;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(insertNotification);
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
    let seq = last;
    for (const notification of batch) {
      const resendOf = this.#occurrences.firstOf(notification);
      const { changes } = this.#insert.run(...notificationRow(notification, seq + 1, resendOf));
      if (changes === 0) continue;
      seq += 1;
      if (resendOf === null) this.#occurrences.add(notification);
      fresh.push(StoredEntry.of(notification, seq, resendOf));
      if (notification.state === 'undecodable') this.#quarantineForAll(notification, seq);
    }
    this.#blocks.add(fresh);
    return fresh;
  }

  committed(): void {
    this.#occurrences.commit();
  }

  #quarantineForAll({ problems }: Notification, seq: number): void {
    this.#listUndecodable.run(seq, problems[0]?.message ?? 'undecodable', Date.now());
  }
}
