import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { unlessAborted } from '../../common/async/abort.ts';
import { Backoff } from '../../common/async/loop.ts';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import type { Entry } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import { countsWith } from '../delivery-tallies.ts';
import type { Spool } from '../folder-journals.ts';
import {
  type AboutDaemon,
  type Change,
  type Clock,
  type Degraded,
  type Journal,
  JournalError,
  type Limits,
  type OpenOptions,
  type OutageLog,
  type RoutePlace,
  type RouteSharing,
  type Shown,
} from '../journal.ts';
import type { SharedLocation } from '../location.ts';
import type { Logins } from '../logins.ts';
import { OutageChanges } from '../outages.ts';
import type { CountSpan, DeliveryCount, JournalReader, Pause } from '../reader.ts';
import type { Start } from '../route-session.ts';
import { type AwayState, StoreAway } from './connection.ts';
import { DatabaseJournal } from './database-journal.ts';
import { sharedLogins } from './logins.ts';
import { opened } from './opened.ts';
import { readerOf } from './reader.ts';
import { SpoolingAppender } from './spooling.ts';

/** So long a start waits for a database that neither answers nor refuses, in milliseconds: a migration may be long. */
const longestStart = 30_000;

/** Between tries to open a database that is away, or can't be used, in milliseconds. */
const firstPause = 250;
const longestPause = 2_000;

/**
 * Opens a journal that several daemons share, for one of them. Where the database is away, the daemon has it all the same, and
 * goes on as it does when the database goes away later.
 * @param spool for what comes in while the database is away: it is closed with the journal, or where that isn't opened
 * @throws JournalError where the database is there and can't be used, is newer, or has a daemon of this name that lives
 */
export async function openJournal(
  location: SharedLocation,
  spool: Spool,
  limits: Limits,
  log: Logger,
  options: OpenOptions = {},
): Promise<Journal> {
  const journal = new SharedJournal(location, spool, limits, log, options);
  try {
    await journal.begin();
    return journal;
  } catch (error) {
    await journal.close();
    throw error;
  }
}

class SharedJournal implements Journal {
  readonly clock: Clock;
  readonly logins: Logins;
  readonly #location: SharedLocation;
  readonly #log: Logger;
  readonly #startedAt = performance.now();
  readonly #outages = new OutageChanges();
  readonly #intake: SpoolingAppender;
  readonly #reader: JournalReader;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #closing = new AbortController();
  readonly #arrival = Promise.withResolvers<DatabaseJournal>();
  /** What gives each route its place, before anything of the spool is brought into the database. */
  readonly #unplaced = new Map<string, (database: DatabaseJournal) => Promise<RoutePlace>>();
  #limits: Limits;
  #options: OpenOptions;
  #shown: Shown = { routes: () => new Map(), links: () => [] };
  #database: DatabaseJournal | null = null;
  /** While there is none: since when, and why. */
  #missing: AwayState = { since: Date.now(), reason: 'the database of the journal has not answered yet' };
  #trouble: string | null = null;
  #reaching: Promise<void> | undefined;

  constructor(location: SharedLocation, spool: Spool, limits: Limits, log: Logger, options: OpenOptions) {
    this.#location = location;
    this.#limits = limits;
    this.#log = log;
    this.#options = options;
    const present = () => this.#present;
    const away = () => (this.#database === null ? this.#missing : this.#database.away);
    this.#intake = new SpoolingAppender(
      {
        get away() {
          return away();
        },
        append: async (batch) => present().append(batch),
        addDrift: async (found) => present().addDrift(found),
      },
      spool,
      log,
    );
    this.#reader = readerOf({ query: async (...statement) => present().asking.query(...statement) });
    this.logins = sharedLogins({ query: async (...statement) => present().admitting.query(...statement) });
    const clock = () => this.#database?.clock;
    this.clock = {
      get isTrusted() {
        return clock()?.isTrusted ?? false;
      },
      get doubt() {
        return clock()?.doubt ?? null;
      },
    };
    this.#arrival.promise.catch(() => undefined);
  }

  /** Resolves when it is known whether the database is there. @throws JournalError where it is, and can't be used */
  async begin(): Promise<void> {
    const first = this.#reach();
    let failure = new StoreAway(this.#missing.reason);
    try {
      await Promise.race([first, delay(longestStart, undefined, { signal: this.#closing.signal, ref: false })]);
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error;
      failure = error;
    }
    if (this.#database !== null) return;
    this.#isMissing(failure);
    this.#reaching = first.catch((error) => this.#reachLater(error));
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  get degraded(): Degraded | null {
    return this.#intake.degraded;
  }

  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    const refusal = this.#database?.refusal ? await this.#database.makeRoom() : this.#trouble;
    if (refusal !== null) throw new JournalError(refusal);
    return this.#intake.append(batch);
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  look(): void {
    this.#database?.look();
  }

  pauseOf(route: string): Pause | null {
    return this.#database?.pauseOf(route) ?? null;
  }

  async openRoute(
    name: string,
    start: Start,
    invalid: 'quarantine' | 'deliver' = 'deliver',
    selection: object | null = null,
    sharing: RouteSharing = {},
  ): Promise<RoutePlace> {
    const open = (database: DatabaseJournal) =>
      database.openRoute(name, start, invalid === 'deliver', selection, sharing);
    if (this.#database !== null) return open(this.#database);
    this.#unplaced.set(name, open);
    return {
      session: async (signal = this.#closing.signal) => {
        const place = await open(await unlessAborted(this.#arrival.promise, signal));
        return place.session(signal);
      },
    };
  }

  async releaseRoute(name: string): Promise<void> {
    this.#unplaced.delete(name);
    await this.#database?.releaseRoute(name);
  }

  limit(limits: Limits): void {
    this.#limits = limits;
    this.#database?.limit(limits);
  }

  show(shown: Shown): void {
    this.#shown = shown;
  }

  describe(about: AboutDaemon): void {
    this.#options = { ...this.#options, about };
    this.#database?.describe(about);
  }

  find: JournalReader['find'] = (query) => this.#reader.find(query);
  search: JournalReader['search'] = (wanted) => this.#reader.search(wanted);
  summary: JournalReader['summary'] = () => this.#reader.summary();
  resendsOf: JournalReader['resendsOf'] = (seq) => this.#reader.resendsOf(seq);
  redeliveriesOf: JournalReader['redeliveriesOf'] = (seqs) => this.#reader.redeliveriesOf(seqs);
  deliveriesOf: JournalReader['deliveriesOf'] = (seq) => this.#reader.deliveriesOf(seq);
  loggedSince: JournalReader['loggedSince'] = () => this.#reader.loggedSince();
  selections: JournalReader['selections'] = () => this.#reader.selections();
  outages: JournalReader['outages'] = (since, until) => this.#reader.outages(since, until);

  async counts(per: CountSpan, since: number): Promise<DeliveryCount[]> {
    const { tallies } = this.#present;
    return countsWith(await this.#reader.counts(per, since), tallies.pending(per, since));
  }

  brokerAway(...outage: Parameters<OutageLog['brokerAway']>): void {
    this.#outages.brokerAway(...outage);
  }

  brokerBack(...end: Parameters<OutageLog['brokerBack']>): void {
    this.#outages.brokerBack(...end);
  }

  async close(): Promise<void> {
    const closed = new JournalError('the journal was closed');
    this.#closing.abort(closed);
    this.#arrival.reject(closed);
    await Promise.all([this.#reaching, this.#intake.close()]);
    await this.#database?.close();
  }

  /** @throws StoreAway */
  get #present(): DatabaseJournal {
    if (this.#database === null) throw new StoreAway(this.#missing.reason);
    return this.#database;
  }

  async #reachLater(failure: unknown): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(firstPause, longestPause);
    this.#isMissing(failure);
    while (!signal.aborted && this.#database === null) {
      await backoff.pause(signal).catch(() => undefined);
      await this.#reach().catch((error) => this.#isMissing(error));
    }
  }

  /** One that is there and refuses is no reason to take what can't be brought into it. */
  #isMissing(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const reason = reasonOf(error);
    const trouble = error instanceof StoreAway ? null : reason;
    if (trouble !== null && trouble !== this.#trouble) this.#log.error({ reason }, messages.databaseUnusable);
    this.#trouble = trouble;
    this.#missing = { ...this.#missing, reason };
    this.#intake.isMissing(new JournalError(reason));
  }

  /** @throws StoreAway, JournalError */
  async #reach(): Promise<void> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    const opening = { changes: this.#outages, startedAt: this.#startedAt, signal };
    const parts = await opened(this.#location, this.#limits, this.#log, this.#options, opening);
    const database = new DatabaseJournal(
      ...([parts, this.#limits, this.#options] as const),
      (change) => this.#tell(change),
      { routes: () => this.#shown.routes(), links: () => this.#shown.links() },
    );
    try {
      for (const place of this.#unplaced.values()) await place(database);
      signal.throwIfAborted();
    } catch (error) {
      await database.close();
      throw error;
    }
    this.#unplaced.clear();
    this.#database = database;
    this.#trouble = null;
    this.#arrival.resolve(database);
    this.#intake.isBack();
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
