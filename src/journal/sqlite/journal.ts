import { existsSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import type { Notification } from '../../kazoo/notification.ts';
import type { Entry } from '../entry.ts';
import {
  type Interest,
  type Journal,
  JournalError,
  type Limits,
  type Page,
  type Settlement,
  type Start,
  type Waiting,
  type WaitingPage,
} from '../journal.ts';
import type { JournalReader, Query, Summary } from '../reader.ts';
import { firstSince } from './block-index.ts';
import { Checkpoints } from './checkpoints.ts';
import { JournalClock } from './clock.ts';
import { journalFailure } from './damage.ts';
import { databaseFile, openDatabase, openDatabaseBeside, prepareFolder } from './database.ts';
import { Deliveries } from './deliveries.ts';
import { EntryWriter } from './entry-writer.ts';
import { JournalFiles } from './files.ts';
import { find } from './find.ts';
import { finishRebuild } from './finish-rebuild.ts';
import { isInvalid } from './invalid.ts';
import { acquireLock, type Lock } from './lock.ts';
import { RecentEntryCache } from './recent-entry-cache.ts';
import { Retention, unlimited } from './retention.ts';
import { Scanner } from './scan.ts';
import { Settlements } from './settlements.ts';
import { summarise } from './summary.ts';

/** How long a route's progress may wait for a commit that it can share, in milliseconds. */
const settleWithin = 100;

type Listener = (change: 'appended' | 'listed') => void;

/**
 * Opens the journal in a folder, for one daemon at a time.
 * @param lookEvery milliseconds between looks for changes that other processes made
 * @throws JournalError when another daemon has it, it is newer than this program, or the file can't be used
 */
export function openJournal(folder: string, log: Logger, limits: Limits = unlimited, lookEvery = 1_000): Journal {
  prepareFolder(folder);
  const lock = acquireLock(folder);
  const file = databaseFile(folder);
  let database: DatabaseSync | undefined;
  try {
    finishRebuild(file, log);
    if (!existsSync(file)) log.info({ journal: file }, 'there is no journal yet; a new one is made');
    database = openDatabase(folder);
    return new SqliteJournal(database, file, lock, log, limits, lookEvery);
  } catch (error) {
    database?.close();
    lock.release();
    throw journalFailure(file, 'opened', error, 'daemon');
  }
}

/** @throws JournalError when there is none, or it can't be read */
export function openJournalReader(folder: string): JournalReader {
  const database = openDatabaseBeside(folder, { readOnly: true });
  const file = databaseFile(folder);
  const reading = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw journalFailure(file, 'read', cause, 'command');
    }
  };
  return {
    find: async (query) => reading(() => find(database, query)),
    summary: async () => reading(() => summarise(database, file)),
    close: async () => database.close(),
  };
}

class SqliteJournal implements Journal {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #lock: Lock;
  readonly #files: JournalFiles;
  readonly #log: Logger;
  readonly #writer: EntryWriter;
  readonly #saveCursor: StatementSync;
  readonly #version: StatementSync;
  readonly #deliveries: Deliveries;
  readonly clock: JournalClock;
  readonly #retention: Retention;
  readonly #scanner: Scanner;
  readonly #recent: RecentEntryCache;
  readonly #checkpoints: Checkpoints;
  readonly #listeners = new Set<Listener>();
  readonly #settlements = new Settlements();
  readonly #changeTimer: NodeJS.Timeout;
  #settleTimer: NodeJS.Timeout | undefined;
  #failing = false;
  #last: number;
  #seenVersion: unknown;

  constructor(database: DatabaseSync, file: string, lock: Lock, log: Logger, limits: Limits, lookEvery: number) {
    this.#database = database;
    this.#file = file;
    this.#lock = lock;
    this.#log = log;
    this.#last = lastSeq(database);
    this.#writer = new EntryWriter(database);
    this.#saveCursor = database.prepare('UPDATE routes SET cursor = ? WHERE name = ?');
    this.#version = database.prepare('PRAGMA data_version');
    this.#deliveries = new Deliveries(database);
    this.clock = new JournalClock(database, log);
    this.#retention = new Retention(database, file, limits, this.clock, log, (work) => this.#transaction(work));
    this.#scanner = new Scanner(database);
    this.#recent = new RecentEntryCache(this.#last);
    this.#seenVersion = this.#version.get()?.data_version;
    this.#checkpoints = new Checkpoints(database, log);
    this.#files = new JournalFiles(file, lock, log);
    this.#changeTimer = setInterval(() => this.#lookForChanges(), lookEvery);
  }

  get trouble(): string | null {
    return this.#files.lost;
  }

  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    if (this.#retention.full && !this.#retention.makeRoom()) throw new JournalError(this.#retention.reason);
    const fresh = this.#transaction(() => {
      this.#writeSettlements();
      return this.#writer.insert(batch, this.#last);
    });
    this.#writer.committed();
    this.#settled();
    this.#last = fresh.at(-1)?.seq ?? this.#last;
    this.#recent.push(fresh);
    if (fresh.some(isInvalid)) this.#retention.grown();
    this.#tell('appended');
    // Whoever gets no answer acknowledges nothing; what is in the journal all the same is dropped when it comes again.
    this.#mustBeInPlace();
    return fresh;
  }

  async read(seq: number, limit: number, interest: Interest): Promise<Page> {
    return (
      this.#recent.read(seq, limit, interest) ??
      this.#reading(() => this.#scanner.read({ seq, last: this.#last, limit }, interest))
    );
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async openRoute(name: string, start: Start, invalid: 'quarantine' | 'deliver' = 'deliver'): Promise<number> {
    this.#retention.holdFor(name, invalid === 'deliver');
    const cursor = this.#transaction(() => {
      // It may have run until just now.
      this.#writeSettlements();
      this.#database
        .prepare('INSERT INTO routes (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO NOTHING')
        .run(name, this.#firstCursor(start));
      return Number(this.#database.prepare('SELECT cursor FROM routes WHERE name = ?').get(name)?.cursor);
    });
    this.#settled();
    return cursor;
  }

  async decidedAfter(route: string, seq: number): Promise<number[]> {
    return this.#reading(() => this.#deliveries.decidedAfter(route, seq));
  }

  async wakeAll(route: string): Promise<void> {
    this.#transaction(() => this.#deliveries.wakeAll(route));
  }

  /** In one step: were the first dropped between two, nobody would wake the next, or wait for it. */
  async wakeFirst(route: string): Promise<Map<string, number>> {
    return this.#transaction(() => this.#deliveries.wakeFirst(route));
  }

  releaseRoute(name: string): void {
    this.#retention.release(name);
    // It has ended: whoever forgets it now must not find its last records a moment later.
    if (this.#settlements.size > 0) this.#commitSettlements();
  }

  limit(limits: Limits): void {
    this.#retention.limit(limits);
  }

  settle(route: string, settlement: Settlement): void {
    this.#settlements.stage(route, settlement);
    this.#settleTimer ??= setTimeout(() => this.#commitSettlements(), settleWithin);
  }

  async due(
    route: string,
    now: number,
    horizon: number,
    limit: number,
    held: ReadonlySet<number>,
  ): Promise<WaitingPage> {
    this.#commitRecords(route);
    const others = held.union(this.#settlements.settledOf(route));
    return this.#reading(() => this.#deliveries.due(route, now, horizon, limit, others));
  }

  async nextDue(route: string, now: number): Promise<number | null> {
    return this.#reading(() => this.#deliveries.nextDue(route, now));
  }

  async waitingOf(route: string, accountId: string, limit: number): Promise<readonly Waiting[]> {
    this.#commitRecords(route);
    const settled = this.#settlements.settledOf(route);
    const { waiting } = await this.#reading(() => this.#deliveries.ofAccount(route, accountId, limit, settled));
    return waiting;
  }

  async waitingAmong(route: string, seqs: readonly number[]): Promise<Set<number>> {
    this.#commitRecords(route);
    return this.#reading(() => this.#deliveries.among(route, seqs));
  }

  async summary(): Promise<Summary> {
    return this.#reading(() => summarise(this.#database, this.#file));
  }

  async find(query: Query): Promise<Entry[]> {
    return this.#reading(() => find(this.#database, query));
  }

  async close(): Promise<void> {
    clearInterval(this.#changeTimer);
    this.#retention.close();
    if (this.#settlements.size > 0) this.#commitSettlements();
    clearTimeout(this.#settleTimer);
    this.#database.close();
    this.#lock.release();
  }

  #firstCursor(start: Start): number {
    if (start === 'now') return this.#last;
    if (start === 'earliest') return 0;
    const first = firstSince(this.#database, start);
    return first === null ? this.#last : first - 1;
  }

  /** What is staged can't be seen in the tables: where that matters, it is committed first. */
  #commitRecords(route: string): void {
    if (!this.#settlements.hasRecords(route)) return;
    this.#transaction(() => this.#writeSettlements());
    this.#settled();
  }

  #commitSettlements(): void {
    try {
      this.#transaction(() => this.#writeSettlements());
      this.#settled();
    } catch (error) {
      // They stay staged. Nothing is lost if the process ends before: the deliveries would only be repeated.
      if (!this.#failing)
        this.#log.error({ reason: reasonOf(error) }, 'the progress of routes is not saved; trying again');
      this.#failing = true;
      this.#settleTimer = setTimeout(() => this.#commitSettlements(), settleWithin * 10);
    }
  }

  #writeSettlements(): void {
    for (const [route, { cursor, records }] of this.#settlements.entries()) {
      for (const [seq, record] of records) {
        if (record === null) {
          this.#deliveries.settle(route, seq);
          this.#retention.freed(seq);
        } else this.#deliveries.record(route, record);
      }
      this.#saveCursor.run(cursor, route);
    }
  }

  #settled(): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = undefined;
    this.#failing = false;
    this.#settlements.clear();
  }

  /** @throws JournalError where what is written would be gone after the next start */
  #mustBeInPlace(): void {
    const lost = this.#files.look();
    if (lost !== null) throw new JournalError(lost);
  }

  #lookForChanges(): void {
    // A checkpoint writes too.
    if (this.#files.look() === null) this.#checkpoints.look();
    let version: unknown;
    try {
      if (this.clock.isDue) this.#transaction(() => undefined);
      version = this.#version.get()?.data_version;
    } catch {
      return; // A journal that can't be read is told of by whoever needs it to go on.
    }
    if (version === this.#seenVersion) return;
    this.#seenVersion = version;
    this.clock.lookAgain();
    this.#retention.lookAgain();
    this.#tell('listed');
  }

  #tell(change: 'appended' | 'listed'): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Runs what only reads. @throws JournalError */
  async #reading<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw journalFailure(this.#file, 'read', cause, 'daemon');
    }
  }

  #transaction<T>(work: () => T): T {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = work();
      const isSigned = this.clock.write();
      this.#mustBeInPlace();
      this.#database.exec('COMMIT');
      if (isSigned) this.clock.written();
      return result;
    } catch (cause) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw journalFailure(this.#file, 'written', cause, 'daemon');
    }
  }
}

/** The highest number ever given: a cursor may stand beyond the newest entry that is left. */
function lastSeq(database: DatabaseSync): number {
  const row = database
    .prepare(
      `SELECT max(ifnull((SELECT max(seq) FROM notifications), 0), ifnull((SELECT max(cursor) FROM routes), 0),
         ifnull((SELECT max(seq) FROM dropped), 0)) AS last`,
    )
    .get();
  return Number(row?.last);
}
