import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';

/**
 * Places in a row that make a block. The journal's index over events and times knows blocks, not entries: it has a line
 * or two for hundreds of entries, where an index of SQLite's would have one for each, and cost each insert as much as
 * the entry.
 */
export const blockSize = 512;

export function blockOf(seq: number): number {
  return Math.floor(seq / blockSize);
}

/** Brings the index up to a table that was filled without it. */
export const indexBlocks = `
  INSERT OR IGNORE INTO block_events (block, event)
    SELECT DISTINCT seq / ${blockSize}, event FROM entries WHERE event IS NOT NULL;
  INSERT OR REPLACE INTO blocks (block, newest)
    SELECT seq / ${blockSize}, max(received_at) FROM notifications GROUP BY 1;`;

/** Keeps the index as entries come. */
export class BlockIndex {
  readonly #saveEvent: StatementSync;
  readonly #saveTime: StatementSync;

  constructor(database: DatabaseSync) {
    this.#saveEvent = database.prepare('INSERT OR IGNORE INTO block_events (block, event) VALUES (?, ?)');
    this.#saveTime = database.prepare(`
      INSERT INTO blocks (block, newest) VALUES (?, ?)
      ON CONFLICT (block) DO UPDATE SET newest = max(newest, excluded.newest)`);
  }

  /** Entries in their order, within the transaction that inserts them. */
  add(entries: readonly Entry[]): void {
    const events = new Set<string>();
    let newest = 0;
    for (const [index, { seq, header }] of entries.entries()) {
      const { event, receivedAt } = header;
      if (event !== null) events.add(event);
      newest = Math.max(newest, receivedAt);
      const next = entries[index + 1];
      const block = blockOf(seq);
      if (next !== undefined && blockOf(next.seq) === block) continue;
      for (const name of events) this.#saveEvent.run(block, name);
      this.#saveTime.run(block, newest);
      events.clear();
      newest = 0;
    }
  }
}

/** The place of the first entry that came at a time, in Unix milliseconds, or later; null where there is none. */
export function firstSince(database: DatabaseSync, time: number): number | null {
  const row = database
    .prepare(
      `SELECT seq FROM blocks CROSS JOIN notifications
         ON seq BETWEEN block * ${blockSize} AND block * ${blockSize} + ${blockSize - 1}
       WHERE newest >= ?1 AND received_at >= ?1 ORDER BY block, seq LIMIT 1`,
    )
    .get(time);
  return row === undefined ? null : Number(row.seq);
}

/** Forgets blocks that retention has emptied. */
export function dropOldBlocks(database: DatabaseSync): void {
  for (const table of ['blocks', 'block_events']) {
    database.exec(`DELETE FROM ${table} WHERE block < (SELECT min(seq) / ${blockSize} FROM notifications)`);
  }
}
