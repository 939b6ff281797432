import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { MemoryBudget } from '../../common/memory-budget.ts';
import { postgresServers } from '../../common/net/postgres-url.ts';
import { bytesOf, type Entry } from '../../notification/entry.ts';
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
} from '../journal.ts';
import type { SharedLocation } from '../location.ts';
import type { CountSpan, DeliveryCount, Drift, JournalReader, Pause } from '../reader.ts';
import type { Start } from '../route-session.ts';
import { type Appended, append, probeAppends } from './append.ts';
import { Acts } from './audit.ts';
import { SharedClock } from './clock.ts';
import { Companions } from './companions.ts';
import { type AwayState, type Database, Lane } from './connection.ts';
import { describeDaemon, enterDaemon } from './daemon.ts';
import { erasedAmong } from './deliveries.ts';
import { DeliveryCounts } from './delivery-counts.ts';
import { noteDrift } from './drift.ts';
import { sqlStateOf } from './failure.ts';
import { Lease } from './lease.ts';
import { addRanges } from './log-ranges.ts';
import { migrate } from './migrate.ts';
import { Outages } from './outages.ts';
import { Primary } from './primary.ts';
import { Pulse, type Signal } from './pulse.ts';
import { readerOf } from './reader.ts';
import { Retention } from './retention.ts';
import { RoutePlaces } from './route-places.ts';
import { RouteSessions } from './route-sessions.ts';
import { Settlements } from './settlements.ts';
import { SpoolingAppender } from './spooling.ts';
import { pausesIn } from './summary.ts';
import { Tail } from './tail.ts';

/** Connections by what they are for, so that nothing waits behind what is slower. Milliseconds. */
function lanesTo(primary: Primary) {
  return {
    appending: new Lane(primary, { size: 1, within: 1_000, mustConfirm: true, probe: probeAppends }),
    leasing: new Lane(primary, { size: 1, within: 1_000 }),
    settling: new Lane(primary, { size: 1, within: 5_000, mustConfirm: true }),
    looking: new Lane(primary, { size: 1, within: 2_000 }),
    reading: new Lane(primary, { size: 3, within: 30_000 }),
    // One may be long, and an append may wait for a range.
    tidying: new Lane(primary, { size: 2, within: 60_000 }),
  };
}

type Lanes = ReturnType<typeof lanesTo>;

/** What is read when a daemon opens a journal, before anything else happens. */
interface Beginning {
  readonly origin: number;
  readonly head: number;
  readonly signal: number;
  readonly clock: SharedClock;
  readonly counts: DeliveryCounts;
  readonly outages: Outages;
  readonly acts: Acts;
  readonly pauses: ReadonlyMap<string, Pause>;
}

/**
 * Opens a journal that several daemons share, for one of them.
 * @param spool for what comes in while the database is away: it is closed with the journal, or where that isn't opened
 * @throws JournalError where it can't be reached or used, is newer, or a daemon of this name lives
 */
export async function openJournal(
  location: SharedLocation,
  spool: Spool,
  limits: Limits,
  log: Logger,
  options: OpenOptions = {},
): Promise<Journal> {
  const { about = { version: 'unknown', configuration: '' } } = options;
  const holder = randomUUID();
  const lanes = lanesTo(new Primary(postgresServers(location.url), location.schema, log));
  const lease = new Lease(lanes.leasing, holder, log);
  try {
    await migrate(lanes.tidying, location.schema);
    const origin = await enterDaemon(lanes.reading, holder, location.name, about);
    const outages = new Outages(lanes.reading, location.name);
    await outages.begin();
    const time = { now: () => Date.now() - lease.skew, skew: () => lease.skew };
    const clock = await SharedClock.open(lanes.reading, time, log);
    await lease.open();
    await addRanges(lanes.tidying, limits);
    const beginning: Beginning = {
      ...{ origin, clock, outages, ...(await newest(lanes.reading)) },
      counts: await DeliveryCounts.open(lanes.reading, clock),
      acts: await Acts.open(lanes.reading, log),
      pauses: await pausesIn(lanes.reading),
    };
    return new PostgresJournal(location, spool, holder, lanes, lease, beginning, limits, log, options);
  } catch (error) {
    await lease.close();
    await closeAll(lanes);
    await spool.close();
    throw error;
  }
}

async function newest(database: Database): Promise<{ head: number; signal: number }> {
  const [row] = await database.query<{ head: number; signal: number }>(
    `SELECT (SELECT last FROM appends ORDER BY last DESC LIMIT 1) AS head,
       (SELECT number FROM signals ORDER BY number DESC LIMIT 1) AS signal`,
  );
  return row ?? { head: 0, signal: 0 };
}

async function closeAll(lanes: Lanes): Promise<void> {
  await Promise.all(Object.values(lanes).map((lane) => lane.close()));
}

type Listener = (change: Change) => void;

class PostgresJournal implements Journal {
  readonly #holder: string;
  readonly #lanes: Lanes;
  readonly #lease: Lease;
  readonly #beginning: Beginning;
  readonly #reader: JournalReader;
  readonly #retention: Retention;
  readonly #intake: SpoolingAppender;
  readonly #tail: Tail;
  readonly #settlements: Settlements;
  readonly #sessions: RouteSessions;
  readonly #places: RoutePlaces;
  readonly #pulse: Pulse;
  readonly #listeners = new Set<Listener>();
  readonly #companions: Companions;
  readonly #timer: NodeJS.Timeout;
  #limits: Limits;
  #pauses: ReadonlyMap<string, Pause>;

  constructor(
    location: SharedLocation,
    spool: Spool,
    holder: string,
    lanes: Lanes,
    lease: Lease,
    beginning: Beginning,
    limits: Limits,
    log: Logger,
    { lookEvery, memory = new MemoryBudget(Number.POSITIVE_INFINITY) }: OpenOptions,
  ) {
    const { origin, head, signal, clock, counts, outages, pauses } = beginning;
    this.#holder = holder;
    this.#lanes = lanes;
    this.#lease = lease;
    this.#beginning = beginning;
    this.#limits = limits;
    this.#pauses = pauses;
    this.#reader = readerOf(lanes.reading);
    this.#retention = new Retention(lanes.tidying, limits, clock, log);
    this.#tail = new Tail({
      ...{ database: lanes.reading, memory, origin, head },
      readers: () => this.#sessions.count,
      onAppended: () => this.#tell('appended'),
    });
    this.#settlements = new Settlements({
      ...{ database: lanes.settling, holder, counts: counts.tallies },
      skew: () => lease.skew,
      onLost: (route, epoch, reason) => lease.lose(route, epoch, reason),
    });
    const shared = { database: lanes.reading, holder, lease, settlements: this.#settlements, tail: this.#tail };
    this.#sessions = new RouteSessions(shared);
    this.#places = new RoutePlaces(lanes.reading, location.name, this.#sessions);
    this.#pulse = new Pulse(
      {
        database: lanes.looking,
        every: lookEvery,
        isShared: () => lease.living > 1,
        onHead: (newest) => this.#tail.seen(newest),
        onSignals: (signals) => this.#hear(signals),
        onFree: () => lease.look(),
      },
      signal,
    );
    this.#intake = new SpoolingAppender(this.#target, spool, log);
    this.#companions = new Companions([counts, outages, clock]);
    this.#timer = setInterval(() => this.#writeDue(), 1_000);
  }

  get trouble(): null {
    return null;
  }

  get degraded(): Degraded | null {
    return this.#intake.degraded;
  }

  get clock(): Clock {
    return this.#beginning.clock;
  }

  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    const { refusal } = this.#retention;
    if (refusal !== null) throw new JournalError(refusal);
    return this.#intake.append(batch);
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  look(): void {
    void this.#pulse.look();
  }

  pauseOf(route: string): Pause | null {
    return this.#pauses.get(route) ?? null;
  }

  openRoute(
    name: string,
    start: Start,
    invalid: 'quarantine' | 'deliver' = 'deliver',
    selection: object | null = null,
    sharing: RouteSharing = {},
  ): Promise<RoutePlace> {
    return this.#places.open(name, start, invalid === 'deliver', selection, sharing);
  }

  releaseRoute(name: string): Promise<void> {
    return this.#places.release(name);
  }

  limit(limits: Limits): void {
    this.#limits = limits;
    this.#retention.limit(limits);
  }

  describe(about: AboutDaemon): void {
    // Where it can't be told, others go on by what they know.
    describeDaemon(this.#lanes.reading, this.#holder, about).catch(() => undefined);
  }

  find: JournalReader['find'] = (query) => this.#reader.find(query);
  search: JournalReader['search'] = (wanted) => this.#reader.search(wanted);
  summary: JournalReader['summary'] = () => this.#reader.summary();
  resendsOf: JournalReader['resendsOf'] = (seq) => this.#reader.resendsOf(seq);
  deliveriesOf: JournalReader['deliveriesOf'] = (seq) => this.#reader.deliveriesOf(seq);
  loggedSince: JournalReader['loggedSince'] = () => this.#reader.loggedSince();
  selections: JournalReader['selections'] = () => this.#reader.selections();
  outages: JournalReader['outages'] = (since, until) => this.#reader.outages(since, until);

  async counts(per: CountSpan, since: number): Promise<DeliveryCount[]> {
    const { tallies } = this.#beginning.counts;
    return countsWith(await this.#reader.counts(per, since), tallies.pending(per, since));
  }

  brokerAway(...outage: Parameters<OutageLog['brokerAway']>): void {
    this.#beginning.outages.changes.brokerAway(...outage);
  }

  brokerBack(...end: Parameters<OutageLog['brokerBack']>): void {
    this.#beginning.outages.changes.brokerBack(...end);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#places.close();
    await Promise.all([this.#pulse.close(), this.#retention.close(), this.#intake.close()]);
    // What can't be saved is delivered again.
    await this.#settlements.commit().catch(() => undefined);
    this.#settlements.close();
    await this.#lease.close();
    this.#beginning.counts.tallies.closing();
    await this.#companions.close();
    await closeAll(this.#lanes);
  }

  /** The database, as whoever spools needs it. */
  get #target() {
    const { appending, reading } = this.#lanes;
    return {
      get away(): AwayState | null {
        return appending.away;
      },
      append: (batch: readonly Notification[]) => this.#appendNow(batch),
      addDrift: (found: readonly Drift[]) => noteDrift(reading, found),
    };
  }

  async #appendNow(batch: readonly Notification[]): Promise<readonly Entry[]> {
    const appended = await this.#appendInRange(batch);
    this.#tail.appended(appended);
    const junk = appended.fresh.filter(({ state }) => state !== 'valid');
    if (junk.length > 0) this.#retention.grown(junk.reduce((sum, entry) => sum + bytesOf(entry), 0));
    return appended.fresh;
  }

  async #appendInRange(batch: readonly Notification[]): Promise<Appended> {
    const { appending, tidying } = this.#lanes;
    try {
      return await append(appending, this.#beginning.origin, batch);
    } catch (error) {
      if (!(error instanceof JournalError) || sqlStateOf(error.cause) !== noPartition) throw error;
    }
    // What came in at once was more than was expected of days.
    await addRanges(tidying, this.#limits, batch.length);
    return append(appending, this.#beginning.origin, batch);
  }

  async #hear(signals: readonly Signal[]): Promise<void> {
    if (signals.some(({ kind }) => kind === 'changed')) await this.#lookAgain();
    for (const { kind, route } of signals) if (kind === 'probe') this.#tell({ probe: route });
  }

  /** An operator has changed something. */
  async #lookAgain(): Promise<void> {
    const { reading } = this.#lanes;
    const { acts, clock } = this.#beginning;
    this.#tail.forget(await erasedAmong(reading, this.#tail.seqs));
    this.#pauses = await pausesIn(reading);
    await acts.look();
    await clock.lookAgain();
    this.#retention.lookAgain();
    this.#tell('records');
  }

  /** What isn't worth a call of its own. What can't be written goes with the next one. */
  #writeDue(): void {
    this.#tail.tidy();
    void this.#companions.writeDue();
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** The SQLSTATE of a row for which there is no partition. */
const noPartition = '23514';
