import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Notification } from '../../notification/notification.ts';

/** Occurrences that are kept in memory; half of them is dropped at a time. */
const mostKnown = 8_000;

/**
 * Which notifications repeat one that the journal has: those with the same time of their own and the same fingerprint.
 * The newest are known by heart, because nearly all that comes is newer than what there is; for the others the disk is
 * asked.
 */
export class ResendIndex {
  readonly #onDisk: StatementSync;
  /**
   * By time and fingerprint, the id of the first one. All that are later than `#through` are here, and all that aren't
   * on disk yet.
   */
  readonly #known = new Map<number, Map<string, string>>();
  #through: number;
  #size = 0;
  /** What was added within a transaction that isn't committed yet. */
  #uncommitted: Notification[] = [];

  constructor(database: DatabaseSync) {
    this.#onDisk = database.prepare(
      'SELECT id FROM notifications WHERE own_time = ? AND fingerprint = ? ORDER BY seq LIMIT 1',
    );
    const row = database.prepare('SELECT max(own_time) AS last FROM notifications WHERE own_time IS NOT NULL').get();
    this.#through = Number(row?.last ?? -1);
  }

  /** The id of the notification that this one repeats; null where it is the first, which is remembered. */
  firstOrAdd(notification: Notification): string | null {
    const { ownTime, fingerprint, header } = notification;
    if (ownTime === null) return null;
    const first = this.#firstOf(ownTime, fingerprint);
    if (first !== null) return first;
    const sameTime = this.#known.get(ownTime) ?? new Map<string, string>();
    this.#known.set(ownTime, sameTime.set(fingerprint, header.id));
    this.#size += 1;
    this.#uncommitted.push(notification);
    return null;
  }

  #firstOf(ownTime: number, fingerprint: string): string | null {
    const known = this.#known.get(ownTime)?.get(fingerprint);
    if (known !== undefined) return known;
    if (ownTime > this.#through) return null;
    const row = this.#onDisk.get(ownTime, fingerprint);
    return row === undefined ? null : String(row.id);
  }

  /** What was added since the last commit is in the journal now. */
  commit(): void {
    this.#uncommitted = [];
    if (this.#size > mostKnown) this.#dropOldest();
  }

  /** It isn't, and never was. */
  rollBack(): void {
    for (const { ownTime, fingerprint } of this.#uncommitted) {
      if (ownTime !== null && this.#known.get(ownTime)?.delete(fingerprint)) this.#size -= 1;
    }
    this.#uncommitted = [];
  }

  /** By their times: one from the far future must not send everybody else to the disk. */
  #dropOldest(): void {
    for (const time of [...this.#known.keys()].sort((one, other) => one - other)) {
      if (this.#size <= mostKnown / 2) return;
      this.#size -= this.#known.get(time)?.size ?? 0;
      this.#known.delete(time);
      this.#through = Math.max(this.#through, time);
    }
  }
}
