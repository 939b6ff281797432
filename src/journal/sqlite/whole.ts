import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Notification } from '../../notification/notification.ts';
import type { EntryRow } from '../entry-head.ts';
import type { Placed } from '../folder-journals.ts';
import { Portion } from '../portion.ts';
import { entryColumns, entryOf, prepareEntries } from './rows.ts';

/** Reads notifications as they were appended, to be appended to another store. */
export class WholeReader {
  readonly #after: StatementSync;

  constructor(database: DatabaseSync) {
    this.#after = prepareEntries(
      database,
      `SELECT ${entryColumns}, fingerprint, own_time, raw FROM notifications WHERE seq > ? ORDER BY seq`,
    );
  }

  /** The first ones behind a place: some MiB of them at most, or one. */
  read(seq: number, limit: number): Placed[] {
    const portion = new Portion(limit);
    const read: Placed[] = [];
    for (const row of this.#after.iterate(seq)) {
      const entry = entryOf(row);
      const [, , , , , , fingerprint, ownTime, raw] = row as unknown as Row; // as the query has its columns
      const { header, state, problems, json, secrets, resendOf } = entry;
      const unknownFields = state === 'undecodable' || header.known ? [] : null;
      const notification = new Notification({
        ...{ header, state, problems, json, secrets, fingerprint, ownTime, raw, unknownFields },
        ...{ data: null, mayHoldSecrets: false },
      });
      read.push({ seq: entry.seq, resendOf, notification });
      if (portion.isFullWith(entry)) break;
    }
    return read;
  }
}

type Row = readonly [...EntryRow, fingerprint: string, ownTime: number | null, raw: Uint8Array | null];
