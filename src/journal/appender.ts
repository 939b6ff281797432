import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Notification } from '../kazoo/notification.ts';
import type { Entry } from './journal.ts';
import { entryOfNotification, insertNotification, notificationRow } from './rows.ts';

/** Puts notifications into the table, with statements that are prepared once: intake's hot path. */
export class Appender {
  readonly #insert: StatementSync;
  readonly #original: StatementSync;
  readonly #listUndecodable: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(insertNotification);
    this.#original = database.prepare(
      'SELECT id FROM notifications WHERE own_time = ? AND fingerprint = ? ORDER BY seq LIMIT 1',
    );
    this.#listUndecodable = database.prepare(`
      INSERT INTO deliveries (route, seq, state, reason, attempts, updated_at) VALUES ('', ?, 'undecodable', ?, '[]', ?)`);
  }

  /** Inserts those that are new, numbered on from `last`, and returns their entries. The transaction is the caller's. */
  insert(batch: readonly Notification[], last: number): Entry[] {
    const fresh: Entry[] = [];
    let seq = last;
    for (const notification of batch) {
      const resendOf = this.#firstOf(notification);
      const { changes } = this.#insert.run(...notificationRow(notification, seq + 1, resendOf));
      if (changes === 0) continue;
      seq += 1;
      fresh.push(entryOfNotification(notification, seq, resendOf));
      if (notification.state === 'undecodable') this.#quarantineForAll(notification, seq);
    }
    return fresh;
  }

  /** The id of the notification that this one repeats, where an equal body can't be a second occurrence. */
  #firstOf({ ownTime, fingerprint }: Notification): string | null {
    if (ownTime === null) return null;
    const row = this.#original.get(ownTime, fingerprint);
    return row === undefined ? null : String(row.id);
  }

  #quarantineForAll({ problems }: Notification, seq: number): void {
    this.#listUndecodable.run(seq, problems[0]?.message ?? 'undecodable', Date.now());
  }
}
