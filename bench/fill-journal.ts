import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pino from 'pino';
import { openJournal } from '../test/support/journal.ts';
import { notifications } from './notifications.ts';

/** Rows that are committed together, and made at a time. */
const batchSize = 5_000;

/** Makes a journal of that many notifications, all of which came in before `end` (Unix milliseconds). */
export async function fillJournal(folder: string, rows: number, end: number): Promise<void> {
  const journal = await openJournal(folder, pino({ level: 'silent' }));
  try {
    for (let done = 0; done < rows; done += batchSize) {
      const count = Math.min(batchSize, rows - done);
      await journal.append(notifications(count, end - rows + done + count));
    }
  } finally {
    await journal.close();
  }
}

/** Rows that have a line in the journal's index over events and times. */
const blockSize = 512;

/** Rows that are copied together: what SQLite changes at a time has to fit into memory. */
const copied = 500_000;

/**
 * The same for millions of rows: SQLite itself copies the first ones, a millisecond apart, as many as are missing.
 * @param body what all of them have in place of one of 700 bytes, as JSON
 */
export async function fillLargeJournal(folder: string, rows: number, end: number, body?: string): Promise<void> {
  const start = end - rows;
  await fillJournal(folder, Math.min(rows, batchSize), start + batchSize);
  const database = new DatabaseSync(join(folder, 'journal.sqlite'));
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144');
  const copy = database.prepare(`
    WITH RECURSIVE places (seq) AS (SELECT ?1 UNION ALL SELECT seq + 1 FROM places WHERE seq < ?2)
    INSERT INTO notifications
      SELECT p.seq, printf('%08x-%04x', (?3 + p.seq) >> 16, (?3 + p.seq) & 65535) || substr(n.id, 14), n.fingerprint,
        ?3 + p.seq, ?3 + p.seq, ?3 + p.seq, n.head, ifnull(?4, n.data), NULL
      FROM places p JOIN notifications n ON n.seq = 1 + p.seq % ${batchSize}`);
  for (let first = batchSize + 1; first <= rows; first += copied)
    copy.run(first, Math.min(rows, first + copied - 1), start, body ?? null);
  database
    .prepare(`
      WITH RECURSIVE b (block) AS (SELECT 0 UNION ALL SELECT block + 1 FROM b WHERE block < ?1 / ${blockSize})
      INSERT OR REPLACE INTO blocks SELECT block, ?2 + min(?1, (block + 1) * ${blockSize} - 1) FROM b`)
    .run(rows, start);
  database.exec(`INSERT OR IGNORE INTO block_events SELECT b.block, e.event
    FROM blocks b, (SELECT DISTINCT event FROM block_events) e; PRAGMA wal_checkpoint(TRUNCATE)`);
  database.close();
}

/** The first ones of a journal are dead on a route, after three tries each, in a thousand accounts; the route has passed all. */
export function letDie(folder: string, route: string, dead: number, rows: number): void {
  const attempt = { at: Date.now(), duration: 31, outcome: 'retry', code: 503, reason: 'answered 503: busy' };
  const database = new DatabaseSync(join(folder, 'journal.sqlite'));
  database
    .prepare(`
      INSERT INTO deliveries (route, seq, account_id, state, reason, attempts, due_at, updated_at, event)
      SELECT ?1, seq, printf('%032x', seq % 1000), 'dead', 'given up after 3 tries: answered 503: busy', ?2, NULL,
        received_at, head ->> 0 FROM notifications WHERE seq <= ?3`)
    .run(route, JSON.stringify([attempt, attempt, attempt]), dead);
  database.exec(`UPDATE routes SET cursor = ${rows}; PRAGMA wal_checkpoint(TRUNCATE)`);
  database.close();
}
