import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';
import type { Notification } from '../kazoo/notification.ts';
import { unlessAborted } from '../waiting.ts';
import { makeFolder, openDatabase, openDatabaseReadOnly } from './database.ts';
import { find } from './find.ts';
import {
  type Appended,
  type Entry,
  type Journal,
  JournalError,
  type JournalReader,
  type Query,
  type Start,
  type Unsettled,
} from './journal.ts';
import { acquireLock, type Lock } from './lock.ts';
import { Recent } from './recent.ts';
import {
  type EntryRow,
  entryColumns,
  entryOf,
  entryOfNotification,
  insertNotification,
  notificationRow,
} from './rows.ts';

/** How long a route's cursor may wait for a commit that it can share, in milliseconds. */
const settleWithin = 100;

/**
 * Opens the journal in a folder, for one daemon at a time.
 * @throws JournalError when another daemon has it, it is newer than this program, or the file can't be used
 */
export function openJournal(folder: string, log: Logger): Journal {
  makeFolder(folder);
  const lock = acquireLock(folder);
  try {
    return new SqliteJournal(openDatabase(folder), lock, log);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** @throws JournalError when there is none, or it can't be read */
export function openJournalReader(folder: string): JournalReader {
  const database = openDatabaseReadOnly(folder);
  return {
    find: async (query) => find(database, query),
    close: async () => database.close(),
  };
}

class SqliteJournal implements Journal {
  readonly #database: DatabaseSync;
  readonly #lock: Lock;
  readonly #log: Logger;
  readonly #insert: StatementSync;
  readonly #original: StatementSync;
  readonly #after: StatementSync;
  readonly #saveCursor: StatementSync;
  readonly #saveUnsettled: StatementSync;
  readonly #recent: Recent;
  readonly #waiting = new Set<() => void>();
  readonly #settlements = new Map<string, { cursor: number; unsettled: Unsettled[] }>();
  #settleTimer: NodeJS.Timeout | undefined;
  #last: number;

  constructor(database: DatabaseSync, lock: Lock, log: Logger) {
    this.#database = database;
    this.#lock = lock;
    this.#log = log;
    this.#insert = database.prepare(insertNotification);
    this.#original = database.prepare(
      'SELECT id FROM notifications WHERE own_time = ? AND fingerprint = ? ORDER BY seq LIMIT 1',
    );
    this.#after = database.prepare(`SELECT ${entryColumns} FROM notifications WHERE seq > ? ORDER BY seq LIMIT ?`);
    this.#saveCursor = database.prepare('UPDATE routes SET cursor = ? WHERE name = ?');
    this.#saveUnsettled = database.prepare(
      `INSERT INTO deliveries (route, seq, state, reason, updated_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (route, seq) DO UPDATE SET state = excluded.state, reason = excluded.reason, updated_at = excluded.updated_at`,
    );
    this.#last = lastSeq(database);
    this.#recent = new Recent(this.#last);
  }

  async append(batch: readonly Notification[]): Promise<Appended> {
    const fresh = this.#transaction(() => {
      this.#writeSettlements();
      return this.#insertAll(batch);
    });
    this.#settled();
    this.#last = fresh.at(-1)?.seq ?? this.#last;
    this.#recent.push(fresh);
    this.#wake();
    return { stored: fresh.length, duplicates: batch.length - fresh.length };
  }

  async read(seq: number, limit: number): Promise<readonly Entry[]> {
    const recent = this.#recent.read(seq, limit);
    if (recent !== null) return recent;
    return (this.#after.all(seq, limit) as unknown as EntryRow[]).map(entryOf); // the columns of entryColumns
  }

  async waitFor(seq: number, signal: AbortSignal): Promise<void> {
    if (this.#last > seq) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await unlessAborted(promise, signal).finally(() => this.#waiting.delete(resolve));
  }

  async openRoute(name: string, start: Start): Promise<number> {
    this.#database
      .prepare('INSERT INTO routes (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO NOTHING')
      .run(name, this.#firstCursor(start));
    const row = this.#database.prepare('SELECT cursor FROM routes WHERE name = ?').get(name);
    return Number(row?.cursor);
  }

  settle(route: string, cursor: number, unsettled: readonly Unsettled[]): void {
    const staged = this.#settlements.get(route);
    if (staged === undefined) this.#settlements.set(route, { cursor, unsettled: [...unsettled] });
    else {
      staged.cursor = cursor;
      staged.unsettled.push(...unsettled);
    }
    this.#settleTimer ??= setTimeout(() => this.#commitSettlements(), settleWithin);
  }

  async find(query: Query): Promise<Entry[]> {
    return find(this.#database, query);
  }

  async close(): Promise<void> {
    if (this.#settlements.size > 0) this.#commitSettlements();
    clearTimeout(this.#settleTimer);
    this.#database.close();
    this.#lock.release();
  }

  #insertAll(batch: readonly Notification[]): Entry[] {
    const fresh: Entry[] = [];
    let seq = this.#last;
    for (const notification of batch) {
      const resendOf = this.#firstOf(notification);
      const { changes } = this.#insert.run(...notificationRow(notification, seq + 1, resendOf));
      if (changes === 0) continue;
      seq += 1;
      fresh.push(entryOfNotification(notification, seq, resendOf));
    }
    return fresh;
  }

  /** The id of the notification that this one repeats, where an equal body can't be a second occurrence. */
  #firstOf({ ownTime, fingerprint }: Notification): string | null {
    if (ownTime === null) return null;
    const row = this.#original.get(ownTime, fingerprint);
    return row === undefined ? null : String(row.id);
  }

  #firstCursor(start: Start): number {
    if (start === 'now') return this.#last;
    if (start === 'earliest') return 0;
    const row = this.#database
      .prepare('SELECT min(seq) - 1 AS cursor FROM notifications WHERE received_at >= ?')
      .get(start);
    return Number(row?.cursor ?? this.#last);
  }

  #commitSettlements(): void {
    try {
      this.#transaction(() => this.#writeSettlements());
      this.#settled();
    } catch (error) {
      // They stay staged. Nothing is lost if the process ends before: the deliveries would only be repeated.
      this.#log.error({ err: error }, 'the progress of routes could not be saved; it will be tried again');
      this.#settleTimer = setTimeout(() => this.#commitSettlements(), settleWithin * 10);
    }
  }

  #writeSettlements(): void {
    for (const [route, { cursor, unsettled }] of this.#settlements) {
      for (const { seq, state, reason } of unsettled) this.#saveUnsettled.run(route, seq, state, reason, Date.now());
      this.#saveCursor.run(cursor, route);
    }
  }

  #settled(): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = undefined;
    this.#settlements.clear();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #transaction<T>(work: () => T): T {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (cause) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw new JournalError(`the journal can't be written: ${reasonOf(cause)}`, { cause });
    }
  }
}

/** The highest number ever given: a cursor may stand beyond the newest entry that is left. */
function lastSeq(database: DatabaseSync): number {
  const row = database
    .prepare(
      'SELECT max(ifnull((SELECT max(seq) FROM notifications), 0), ifnull((SELECT max(cursor) FROM routes), 0)) AS last',
    )
    .get();
  return Number(row?.last);
}
