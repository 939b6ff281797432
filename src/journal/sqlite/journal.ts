import { existsSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { MemoryBudget } from '../../common/memory-budget.ts';
import { messages } from '../../common/messages.ts';
import type { Entry, Interest } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import { countsWith } from '../delivery-tallies.ts';
import {
  type Change,
  type Journal,
  JournalError,
  type Limits,
  type OpenOptions,
  type OutageLog,
  type RoutePlace,
} from '../journal.ts';
import { OwnLogins } from '../logins.ts';
import { PageCache } from '../page-cache.ts';
import type {
  CountSpan,
  DeliveryCount,
  Found,
  LoggedDelivery,
  Outage,
  Pause,
  Query,
  Redeliveries,
  Resend,
  Search,
  SelectionVersion,
  Summary,
} from '../reader.ts';
import { RecentEntryCache } from '../recent-entry-cache.ts';
import type { Page, RouteSession, Start } from '../route-session.ts';
import { Acts } from './audit.ts';
import { firstSince } from './block-index.ts';
import type { JournalClock } from './clock.ts';
import { Connection } from './connection.ts';
import { databaseFile, openDatabase, prepareFolder } from './database.ts';
import { Deliveries } from './deliveries.ts';
import { countsIn, DeliveryCounts } from './delivery-counts.ts';
import { DeliveryLog, loggedDeliveriesOf, loggedSince } from './delivery-log.ts';
import { EntryWriter } from './entry-writer.ts';
import { erasedThrough } from './erase.ts';
import { journalFailure } from './failure.ts';
import { finishRebuild } from './files.ts';
import { isInvalid } from './invalid.ts';
import { acquireLock, type Lock } from './lock.ts';
import { Outages, outagesBetween } from './outages.ts';
import { find, pausesIn, redeliveriesOf, resendsOf, summarise } from './reader.ts';
import { Retention, unlimited } from './retention.ts';
import { RouteSessions } from './route-sessions.ts';
import { erasedAmong } from './rows.ts';
import { Scanner } from './scan.ts';
import { search } from './search.ts';
import { selectionVersions } from './selections.ts';
import { Settlements } from './settlements.ts';

type Listener = (change: Change) => void;

/**
 * Opens the journal in a folder, for one daemon at a time.
 * @throws JournalError when another daemon has it, it is newer than this program, or the file can't be used
 */
export function openJournal(
  folder: string,
  log: Logger,
  limits: Limits = unlimited,
  { lookEvery = 1_000, memory = new MemoryBudget(Number.POSITIVE_INFINITY) }: OpenOptions = {},
): Journal {
  prepareFolder(folder);
  const lock = acquireLock(folder);
  const file = databaseFile(folder);
  let database: DatabaseSync | undefined;
  try {
    finishRebuild(file, log);
    if (!existsSync(file)) log.info({ journal: file }, messages.newJournal);
    database = openDatabase(folder);
    return new SqliteJournal(database, file, lock, log, limits, lookEvery, memory);
  } catch (error) {
    database?.close();
    lock.release();
    throw journalFailure(file, 'opened', error, 'daemon');
  }
}

class SqliteJournal implements Journal {
  readonly logins = new OwnLogins();
  readonly #connection: Connection;
  readonly #lock: Lock;
  readonly #writer: EntryWriter;
  readonly #version: StatementSync;
  readonly #retention: Retention;
  readonly #scanner: Scanner;
  readonly #recent: RecentEntryCache;
  readonly #pages: PageCache;
  readonly #settlements: Settlements;
  readonly #counts: DeliveryCounts;
  readonly #outages: Outages;
  readonly #sessions: RouteSessions;
  readonly #acts: Acts;
  readonly #listeners = new Set<Listener>();
  readonly #changeTimer: NodeJS.Timeout;
  #last: number;
  #pauses: ReadonlyMap<string, Pause>;
  #seenVersion: unknown;

  constructor(
    database: DatabaseSync,
    file: string,
    lock: Lock,
    log: Logger,
    limits: Limits,
    lookEvery: number,
    memory: MemoryBudget,
  ) {
    this.#lock = lock;
    this.#last = lastSeq(database);
    const connection = new Connection(database, file, lock, log);
    this.#connection = connection;
    this.#writer = new EntryWriter(database);
    this.#version = database.prepare('PRAGMA data_version');
    this.#retention = new Retention(database, file, limits, this.clock, log, (work) => connection.transaction(work));
    this.#scanner = new Scanner(database);
    this.#recent = new RecentEntryCache(this.#last, memory.open());
    this.#pages = new PageCache(memory.open());
    const deliveries = new Deliveries(database);
    this.#counts = new DeliveryCounts(database, this.clock);
    this.#outages = new Outages(database);
    connection.accompany(this.#counts);
    connection.accompany(this.#outages);
    const targets = { deliveries, log: new DeliveryLog(database), counts: this.#counts.tallies };
    const settlements = new Settlements(connection, targets, (seq) => this.#retention.freed(seq));
    this.#settlements = settlements;
    const read: RouteSession['read'] = (...place) => this.#read(...place);
    const passOver: RouteSession['passOver'] = (...place) => this.#recent.passOver(...place);
    const last = () => this.#last;
    this.#sessions = new RouteSessions({ connection, deliveries, settlements, read, passOver, last });
    this.#seenVersion = this.#version.get()?.data_version;
    this.#acts = new Acts(database, log);
    this.#pauses = pausesIn(database);
    this.#changeTimer = setInterval(() => this.look(), lookEvery);
  }

  get trouble(): string | null {
    return this.#connection.files.lost;
  }

  /** Where it can't be written, nothing is taken. */
  get degraded(): null {
    return null;
  }

  get clock(): JournalClock {
    return this.#connection.clock;
  }

  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    if (this.#retention.full && !this.#retention.makeRoom()) throw new JournalError(this.#retention.reason);
    const fresh = this.#connection.transaction(() => {
      this.#settlements.write();
      return this.#writer.insert(batch, this.#last);
    });
    this.#writer.committed();
    this.#settlements.synced();
    this.#last = fresh.at(-1)?.seq ?? this.#last;
    this.#recent.push(fresh);
    if (fresh.some(isInvalid)) this.#retention.grown();
    this.#tell('appended');
    // If this throws, the caller acknowledges nothing; a redelivery of what was stored all the same is dropped.
    this.#connection.mustBeInPlace();
    return fresh;
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async openRoute(
    name: string,
    start: Start,
    invalid: 'quarantine' | 'deliver' = 'deliver',
    selection: object | null = null,
  ): Promise<RoutePlace> {
    this.#retention.holdFor(name, invalid === 'deliver');
    await this.#sessions.place(name, this.#firstCursor(start), selection);
    return { session: (signal) => this.#sessions.open(name, signal) };
  }

  async releaseRoute(name: string): Promise<void> {
    this.#retention.release(name);
  }

  pauseOf(route: string): Pause | null {
    return this.#pauses.get(route) ?? null;
  }

  limit(limits: Limits): void {
    this.#retention.limit(limits);
  }

  /** There is nobody else to tell it. */
  describe(): void {}

  async summary(): Promise<Summary> {
    const { database, file } = this.#connection;
    return this.#connection.reading(() => summarise(database, file));
  }

  async find(query: Query): Promise<Entry[]> {
    return this.#reading((database) => find(database, query));
  }

  search(wanted: Search): Promise<Found> {
    return this.#reading((database) => search(database, wanted));
  }

  resendsOf(seq: number): Promise<Resend[]> {
    return this.#reading((database) => resendsOf(database, seq));
  }

  redeliveriesOf(seqs: readonly number[]): Promise<Map<number, Redeliveries>> {
    return this.#reading((database) => redeliveriesOf(database, seqs));
  }

  deliveriesOf(seq: number): Promise<LoggedDelivery[]> {
    return this.#reading((database) => loggedDeliveriesOf(database, seq));
  }

  loggedSince(): Promise<number | null> {
    return this.#reading(loggedSince);
  }

  selections(): Promise<SelectionVersion[]> {
    return this.#reading(selectionVersions);
  }

  counts(per: CountSpan, since: number): Promise<DeliveryCount[]> {
    return this.#reading((database) =>
      countsWith(countsIn(database, per, since), this.#counts.tallies.pending(per, since)),
    );
  }

  outages(since: number, until: number): Promise<Outage[]> {
    return this.#reading((database) => outagesBetween(database, since, until));
  }

  brokerAway(...outage: Parameters<OutageLog['brokerAway']>): void {
    this.#outages.changes.brokerAway(...outage);
  }

  brokerBack(...end: Parameters<OutageLog['brokerBack']>): void {
    this.#outages.changes.brokerBack(...end);
  }

  async close(): Promise<void> {
    clearInterval(this.#changeTimer);
    this.#retention.close();
    this.#sessions.close();
    this.#settlements.close();
    this.#counts.tallies.closing();
    try {
      this.#connection.writeDue();
    } catch {
      // At most the last minute's counts; the reason was logged before.
    }
    this.#connection.database.close();
    this.#lock.release();
  }

  #firstCursor(start: Start): number {
    if (start === 'now') return this.#last;
    if (start === 'earliest') return 0;
    const first = firstSince(this.#connection.database, start);
    return first === null ? this.#last : first - 1;
  }

  look(): void {
    this.#connection.look();
    this.#pages.tidy();
    try {
      this.#connection.writeDue();
      const version = this.#version.get()?.data_version;
      if (version === this.#seenVersion) return;
      this.#recent.remove(erasedAmong(this.#connection.database, this.#recent.seqs));
      this.#pages.clear();
      this.#pauses = pausesIn(this.#connection.database);
      this.#acts.look();
      this.#seenVersion = version;
    } catch {
      return; // A journal that can't be read is told of by whoever needs it to go on.
    }
    this.clock.lookAgain();
    this.#retention.lookAgain();
    this.#tell('records');
  }

  async #read(seq: number, limit: number, interest: Interest, bytes?: number): Promise<Page> {
    const recent = this.#recent.read(seq, limit, interest, bytes);
    if (recent !== null) return recent;
    const scan = (most?: number) =>
      this.#connection.reading(() => this.#scanner.read({ seq, last: this.#last, limit, bytes: most }, interest));
    // Where no other route will come by here, nobody reads a page again.
    if (this.#sessions.countBefore(this.#recent.after) <= 1) return scan(bytes);
    const page = await this.#pages.read({ seq, limit, bytes }, interest, scan);
    // Some may have come since it was read.
    return page.through < this.#last ? { ...page, more: true } : page;
  }

  #reading<T>(work: (database: DatabaseSync) => T | Promise<T>): Promise<T> {
    return this.#connection.reading(() => work(this.#connection.database));
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** The highest number ever given: a cursor may stand beyond the newest entry that is left. */
function lastSeq(database: DatabaseSync): number {
  const row = database
    .prepare(
      `SELECT max(ifnull((SELECT max(seq) FROM notifications), 0), ifnull((SELECT max(cursor) FROM routes), 0),
         ifnull((SELECT max(seq) FROM dropped), 0), ifnull((SELECT value FROM facts WHERE name = '${erasedThrough}'), 0)) AS last`,
    )
    .get();
  return Number(row?.last);
}
