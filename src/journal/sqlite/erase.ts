import { createReadStream } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { Erased, Holdings } from '../operator-store.ts';
import { patience } from './database.ts';
import { forgetLoggedOf } from './delivery-log.ts';
import { removeEntries } from './retention.ts';

/** How many entries are looked at in one go. */
const stride = 1_000;

/** The most that one transaction removes, because intake waits for it. */
const mostRows = 200;
const mostBytes = 4 * 1024 * 1024;

/** Pages that are given back to the file system at a time. */
const pagesAtOnce = 1_000;

/** For so long a reader is waited for that keeps the write-ahead log from being emptied, and between tries, in milliseconds. */
const longestWait = 1_000;
const tryEvery = 50;

/** The fact that says which numbers were given to what was erased: they don't come back. */
export const erasedThrough = 'erased_through';

/** What the journal holds of an account. */
export async function holdingsOf(database: DatabaseSync, accountId: string): Promise<Holdings> {
  const holdings = { notifications: 0, waiting: 0, quarantined: 0, dead: 0, mentions: 0 };
  let oldest: number | null = null;
  let newest: number | null = null;
  const count = database.prepare(
    'SELECT state, count(*) AS count FROM deliveries WHERE seq IN (SELECT value FROM json_each(?)) GROUP BY state',
  );
  const mentions = database.prepare(`
    SELECT count(*) AS count FROM notifications WHERE seq > ?1 AND seq <= ?2 AND ${account} IS NOT ?3
      AND (instr(data, ?3) > 0 OR instr(raw, CAST(?3 AS BLOB)) > 0)`);
  for await (const { from, to, entries } of spansOf(database, accountId)) {
    holdings.notifications += entries.length;
    for (const { receivedAt } of entries) {
      oldest = Math.min(oldest ?? receivedAt, receivedAt);
      newest = Math.max(newest ?? receivedAt, receivedAt);
    }
    for (const row of count.all(JSON.stringify(entries.map(({ seq }) => seq))))
      holdings[row.state as 'waiting' | 'quarantined' | 'dead'] += Number(row.count); // what has an account is decoded
    holdings.mentions += Number(mentions.get(from, to, accountId)?.count);
  }
  return { ...holdings, oldest, newest };
}

/**
 * Removes an account from the journal: its rows, and their bytes in free pages and in the write-ahead log.
 * Notifications that arrive meanwhile stay. After an interruption it can be run again.
 * @param compact rewrites the file, during which nobody else can write. Only this removes bytes that SQLite has left in
 * used pages when it moved rows
 * @param inStep runs a part of the work, which returns the number of removed notifications, in a transaction of its
 * own, and lets others proceed in between
 */
export async function eraseAccount(
  database: DatabaseSync,
  file: string,
  accountId: string,
  compact: boolean,
  inStep: (work: () => number) => Promise<unknown>,
): Promise<Erased> {
  const remember = database.prepare(`
    INSERT INTO facts (name, value) VALUES ('${erasedThrough}', ?)
    ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`);
  let notifications = 0;
  for await (const { entries } of spansOf(database, accountId)) {
    for (const step of stepsOf(entries)) {
      await inStep(() => {
        removeEntries(database, step);
        forgetLoggedOf(database, step);
        remember.run(step.at(-1) ?? 0);
        return step.length;
      });
    }
    notifications += entries.length;
  }
  if (compact) database.exec('VACUUM');
  else await giveBack(database, inStep);
  const isLogEmpty = await emptyLog(database);
  const remains = (await occurrencesIn(file, accountId)) - namesIn(database, accountId);
  return { notifications, isLogEmpty, remains: Math.max(0, remains) };
}

interface Held {
  readonly seq: number;
  readonly receivedAt: number;
  readonly bytes: number;
}

interface Span {
  readonly from: number;
  readonly to: number;
  /** Those of the account. */
  readonly entries: readonly Held[];
}

const account = 'CASE WHEN json_valid(head) THEN head ->> 3 END';

/** The entries at the beginning of the call, some at a time. */
async function* spansOf(database: DatabaseSync, accountId: string): AsyncGenerator<Span> {
  const select = database.prepare(`
    SELECT seq, received_at, octet_length(data) + ifnull(octet_length(raw), 0) AS bytes FROM notifications
    WHERE seq > ? AND seq <= ? AND ${account} = ? ORDER BY seq`);
  const ends = database.prepare('SELECT min(seq) - 1 AS first, max(seq) AS last FROM notifications').get();
  const last = Number(ends?.last ?? 0);
  for (let from = Number(ends?.first ?? 0); from < last; from += stride) {
    const to = Math.min(last, from + stride);
    const rows = select.all(from, to, accountId);
    const heldOf = (row: Record<string, unknown>) => ({
      seq: Number(row.seq),
      receivedAt: Number(row.received_at),
      bytes: Number(row.bytes),
    });
    yield { from, to, entries: rows.map(heldOf) };
    await nextTurn();
  }
}

function* stepsOf(entries: readonly Held[]): Generator<number[]> {
  let step: number[] = [];
  let size = 0;
  for (const { seq, bytes } of entries) {
    step.push(seq);
    size += bytes;
    if (step.length < mostRows && size < mostBytes) continue;
    yield step;
    step = [];
    size = 0;
  }
  if (step.length > 0) yield step;
}

/** No page stays free, with whatever was in it. */
async function giveBack(database: DatabaseSync, inStep: (work: () => number) => Promise<unknown>): Promise<void> {
  const count = database.prepare('PRAGMA freelist_count');
  const free = () => Number(count.get()?.freelist_count);
  for (let before = Number.POSITIVE_INFINITY, left = free(); left > 0 && left < before; ) {
    await inStep(() => {
      database.exec(`PRAGMA incremental_vacuum(${pagesAtOnce})`);
      return 0;
    });
    [before, left] = [left, free()];
  }
}

/** Never waits within SQLite, which would keep out whoever writes. Returns false where a reader stays in the log. */
async function emptyLog(database: DatabaseSync): Promise<boolean> {
  database.exec('PRAGMA busy_timeout = 0');
  const checkpoint = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  const until = performance.now() + longestWait;
  try {
    while (checkpoint.get()?.busy !== 0) {
      if (performance.now() > until) return false;
      await pause(tryEvery);
    }
    return true;
  } finally {
    database.exec(`PRAGMA busy_timeout = ${patience}`);
  }
}

/** How often a text stands in a file. */
async function occurrencesIn(file: string, text: string): Promise<number> {
  const wanted = Buffer.from(text);
  let count = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    const bytes = Buffer.concat([rest, chunk]);
    let end = 0;
    for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, end)) {
      count += 1;
      end = at + wanted.length;
    }
    rest = bytes.subarray(Math.max(end, bytes.length - wanted.length + 1));
  }
  return count;
}

/** Counts a text in columns where it may stay, such as the selections of routes. */
function namesIn(database: DatabaseSync, text: string): number {
  const columns = database
    .prepare(
      `SELECT t.name AS "table", c.name AS column FROM sqlite_schema t JOIN pragma_table_info(t.name) c
       WHERE t.type = 'table' AND c.type = 'TEXT' AND t.name NOT IN ('notifications', 'deliveries')`,
    )
    .all();
  const countIn = (table: string, column: string) =>
    database
      .prepare(
        `SELECT sum((octet_length("${column}") - octet_length(replace("${column}", ?1, ''))) / octet_length(?1)) AS count
         FROM "${table}"`,
      )
      .get(text);
  return columns.reduce(
    (sum, { table, column }) => sum + Number(countIn(String(table), String(column))?.count ?? 0),
    0,
  );
}
