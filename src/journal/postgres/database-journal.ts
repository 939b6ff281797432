import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../common/async/deadlines.ts';
import { reasonOf } from '../../common/errors.ts';
import { MemoryBudget } from '../../common/memory-budget.ts';
import { messages } from '../../common/messages.ts';
import { bytesOf, type Entry } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import type { DeliveryTallies } from '../delivery-tallies.ts';
import {
  type AboutDaemon,
  type Change,
  type Clock,
  JournalError,
  type Limits,
  type OpenOptions,
  type RoutePlace,
  type RouteSharing,
  type Shown,
} from '../journal.ts';
import type { Drift, Pause } from '../reader.ts';
import type { Start } from '../route-session.ts';
import type { Appended } from './append.ts';
import { DatabaseAppender } from './appender.ts';
import { Companions } from './companions.ts';
import type { AwayState, Queryable } from './connection.ts';
import { describeDaemon, enterAgain } from './daemon.ts';
import { DaemonLinks } from './daemon-links.ts';
import { erasedAmong } from './deliveries.ts';
import { Generations, type LostSpan } from './generations.ts';
import type { Opened } from './opened.ts';
import { Pulse, type Signal } from './pulse.ts';
import { Retention } from './retention.ts';
import { RoutePlaces } from './route-places.ts';
import { RouteSessions } from './route-sessions.ts';
import { RouteStates } from './route-states.ts';
import { Settlements } from './settlements.ts';
import type { SpoolTarget } from './spooling.ts';
import { pausesIn } from './summary.ts';
import { Tail } from './tail.ts';

/** What a daemon does with the database of a shared journal, from the moment when that has been reached and looked at. */
export class DatabaseJournal implements SpoolTarget {
  readonly #opened: Opened;
  readonly #retention: Retention;
  readonly #appender: DatabaseAppender;
  readonly #tail: Tail;
  readonly #settlements: Settlements;
  readonly #sessions: RouteSessions;
  readonly #places: RoutePlaces;
  readonly #pulse: Pulse;
  readonly #companions: Companions;
  readonly #generations: Generations;
  readonly #closing = new AbortController();
  readonly #tell: (change: Change) => void;
  readonly #timer: NodeJS.Timeout;
  #about: AboutDaemon;
  readonly #shown: readonly (RouteStates | DaemonLinks)[];
  #pauses: ReadonlyMap<string, Pause>;

  /**
   * @param tell is told of what others have done, and of what was appended
   * @param shown to others
   */
  constructor(
    opened: Opened,
    limits: Limits,
    { lookEvery, memory = new MemoryBudget(Number.POSITIVE_INFINITY) }: OpenOptions,
    tell: (change: Change) => void,
    shown: Shown,
  ) {
    const { location, holder, primary, lanes, lease, about, log, origin, head, clock, counts } = opened;
    this.#tell = tell;
    this.#opened = opened;
    this.#about = about;
    this.#pauses = opened.pauses;
    this.#retention = new Retention(lanes.tidying, limits, clock, log);
    this.#shown = [
      new RouteStates(lanes.asking, holder, () => shown.routes()),
      new DaemonLinks(lanes.asking, holder, () => shown.links()),
    ];
    this.#companions = new Companions([counts, opened.outages, clock, ...this.#shown]);
    this.#generations = new Generations(primary.timeline, head, (span) => this.#wentBack(span));
    primary.onConnected = (link) => this.#generations.look(link);
    this.#tail = new Tail({
      ...{ database: lanes.reading, memory, origin, head },
      readers: () => this.#sessions.count,
      onAppended: () => this.#tell('appended'),
    });
    this.#settlements = new Settlements({
      ...{ database: this.#generations.fenced(lanes.settling), holder, counts: counts.tallies },
      skew: () => lease.skew,
      onLost: (route, epoch, reason) => lease.lose(route, epoch, reason),
    });
    const shared = {
      database: lanes.reading,
      aside: lanes.beginning,
      holder,
      lease,
      settlements: this.#settlements,
      tail: this.#tail,
    };
    this.#sessions = new RouteSessions(shared);
    this.#places = new RoutePlaces(lanes.reading, location.name, this.#sessions);
    this.#pulse = new Pulse(
      {
        database: lanes.looking,
        every: lookEvery,
        isShared: () => lease.living > 1,
        onHead: (newest) => this.#seen(newest),
        onSignals: (signals) => this.#hear(signals),
        waiting: () => lease.waiting,
        onFree: () => lease.look(),
      },
      opened.signal,
    );
    this.#appender = new DatabaseAppender({
      ...{ database: lanes.appending, aside: lanes.tidying, origin, memory: memory.open() },
      addRanges: (needed) => this.#retention.addRanges(needed),
      onAppended: (appended) => this.#appended(appended),
    });
    this.#timer = setInterval(() => this.#writeDue(), 1_000);
  }

  get clock(): Clock {
    return this.#opened.clock;
  }

  get tallies(): DeliveryTallies {
    return this.#opened.counts.tallies;
  }

  get away(): AwayState | null {
    return this.#appender.away;
  }

  /** Why nothing may be appended, for an operator: it is full. Null while it isn't. */
  get refusal(): string | null {
    return this.#retention.refusal;
  }

  /** Removes what can be removed at once, where it is full. Returns why it still is, or null. */
  makeRoom(): Promise<string | null> {
    return this.#retention.makeRoom();
  }

  append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    return this.#appender.append(batch);
  }

  addDrift(found: readonly Drift[]): Promise<void> {
    return this.#appender.addDrift(found);
  }

  /** For whoever asks, and may take longer. */
  get asking(): Queryable {
    return this.#opened.lanes.asking;
  }

  /** For who may ask. */
  get admitting(): Queryable {
    return this.#opened.lanes.admitting;
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
    deliversInvalid: boolean,
    selection: object | null,
    sharing: RouteSharing,
  ): Promise<RoutePlace> {
    return this.#places.open(name, start, deliversInvalid, selection, sharing);
  }

  releaseRoute(name: string): Promise<void> {
    return this.#places.release(name);
  }

  limit(limits: Limits): void {
    this.#retention.limit(limits);
  }

  describe(about: AboutDaemon): void {
    this.#about = about;
    const { lanes, holder } = this.#opened;
    // Where it can't be told, others go on by what they know.
    describeDaemon(lanes.asking, holder, about).catch(() => undefined);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    this.#places.close();
    await Promise.all([this.#pulse.close(), this.#retention.close()]);
    // What can't be saved is delivered again.
    await this.#settlements.commit().catch(() => undefined);
    this.#settlements.close();
    const { lanes, lease, counts } = this.#opened;
    await lease.close();
    counts.tallies.closing();
    // The last minute's counts, at most: a connection that is half open isn't waited for.
    await within(writtenWithin, 'the journal', this.#companions.close()).catch(() => undefined);
    await Promise.all(Object.values(lanes).map((lane) => lane.close()));
  }

  #appended(appended: Appended): void {
    this.#generations.appended(appended);
    this.#tail.appended(appended);
    const junk = appended.fresh.filter(({ state }) => state !== 'valid');
    if (junk.length > 0) this.#retention.grown(junk.reduce((sum, entry) => sum + bytesOf(entry), 0));
  }

  #seen(head: number): void {
    this.#generations.seen(head);
    this.#tail.seen(head);
  }

  /** The server that is the primary now hasn't all that was confirmed: nothing is left of what is known of places. */
  #wentBack({ head, last }: LostSpan): void {
    const { lease, log } = this.#opened;
    log.error({ from: head + 1, to: last }, messages.databaseWentBack);
    lease.loseAll(new JournalError('the database lacks what was confirmed: its routes go on from where it knows them'));
    this.#tail.reset(head);
    this.#pulse.forget();
    void this.#restore();
  }

  /** Tells the server what it lacks, as far as that is known here. */
  async #restore(): Promise<void> {
    const { lanes, holder, location, origin, log } = this.#opened;
    while (!this.#closing.signal.aborted) {
      try {
        await enterAgain(lanes.asking, holder, { number: origin, name: location.name }, this.#about);
        for (const one of this.#shown) one.showAgain();
        await this.#places.openAgain();
        const count = await this.#appender.appendAgain();
        log.warn({ count }, messages.appendedAgain);
        return;
      } catch (error) {
        log.debug({ reason: reasonOf(error) }, 'what the database lacks could not be told yet');
      }
      await delay(restoreAgainAfter, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  async #hear(signals: readonly Signal[]): Promise<void> {
    if (signals.some(({ kind }) => kind === 'changed')) await this.#lookAgain();
    for (const { kind, route } of signals) if (kind === 'probe') this.#tell({ probe: route });
  }

  /** An operator has changed something. */
  async #lookAgain(): Promise<void> {
    const { lanes, acts, clock } = this.#opened;
    this.#tail.forget(await erasedAmong(lanes.reading, this.#tail.seqs));
    this.#pauses = await pausesIn(lanes.reading);
    await acts.look();
    await clock.lookAgain();
    this.#retention.lookAgain();
    this.#tell('records');
  }

  #writeDue(): void {
    this.#tail.tidy();
    void this.#companions.writeDue();
  }
}

/** What is written now and then has so many milliseconds at a stop. */
const writtenWithin = 2_000;

/** Between tries to tell the server what it lacks, in milliseconds. */
const restoreAgainAfter = 500;
