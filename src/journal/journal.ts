import type { Logger } from 'pino';
import type { MemoryBudget } from '../common/memory-budget.ts';
import type { Entry } from '../notification/entry.ts';
import type { Notification } from '../notification/notification.ts';
import type { Logins } from './logins.ts';
import type { OperatorStore } from './operator-store.ts';
import type { JournalReader, LinkState, OpenedReader, Pause, RouteState } from './reader.ts';
import type { RouteSession, Start } from './route-session.ts';

/**
 * The interfaces of a journal: nothing outside of this room knows which store it is. They are asynchronous, because a
 * store that several daemons share is reached over a network. An operation that not every store has may be missing.
 */
export interface JournalStore {
  /** The folder of its files, where it has one on this machine. */
  readonly folder?: string;

  /**
   * Opens it for a daemon.
   * @throws JournalError when another daemon has it, it is newer than this program, or it can't be used
   */
  open(limits: Limits, log: Logger, options?: OpenOptions): Promise<Journal>;

  /** Opens it for reading, beside a daemon or without one. @throws JournalError */
  openReader(): Promise<OpenedReader>;

  /** Opens it for an operator's decisions, beside a daemon or without one. @throws JournalError */
  openOperatorStore(): Promise<OperatorStore>;

  /**
   * Looks whether a daemon could use it, and says in lines what was found and what may be doubted.
   * @throws JournalError, Error with what is in the way
   */
  testAccess(): Promise<readonly string[]>;

  /**
   * Replaces a damaged journal by a new one of what can be read. @param routes of the configuration @throws
   * JournalError
   */
  readonly rebuild?: (routes: readonly string[], log: Logger) => Promise<void>;

  /**
   * Copies a journal in a folder, whose daemon is stopped, with what its routes have settled. Where it was cut off, it goes on.
   * @throws JournalError
   */
  readonly copyFrom?: (folder: string, copying: Copying) => Promise<Copied>;
}

/** How a journal in a folder is copied. */
export interface Copying {
  /** As the configuration has them. */
  readonly limits: Limits;
  /** What a route of the folder is called in this journal. */
  routeIn(name: string): string;
  /** How much is done of how much there is: notifications, and what is recorded of deliveries. */
  tell(done: number, all: number): void;
}

/** What was copied. */
export interface Copied {
  /** Those of the folder, and how many of them were there before. */
  readonly notifications: number;
  readonly before: number;
  /** Deliveries that aren't settled. */
  readonly records: number;
  readonly routes: number;
  /** False where all was there already. */
  readonly isNew: boolean;
}

export interface OpenOptions {
  /** Milliseconds between looks for what operators have changed. */
  readonly lookEvery?: number;
  /** Milliseconds for which the lease of a store that several daemons share holds, after each renewal. */
  readonly leaseTtl?: number;
  /** Bounds the newest entries that are kept in memory. */
  readonly memory?: MemoryBudget;
  /** What the daemon says of itself to others that share the journal. */
  readonly about?: AboutDaemon;
}

/** What a daemon shows of itself to others. */
export interface Shown {
  /** By route, of those that run here. */
  routes(): ReadonlyMap<string, RouteState>;
  links(): readonly LinkState[];
}

export interface AboutDaemon {
  readonly version: string;
  /** A digest of what all daemons should have in common of their configurations. */
  readonly configuration: string;
}

/**
 * The store between intake and delivery, as a daemon has it open: whoever opens it hands each part of the daemon its
 * role. Everything may be asynchronous, so that a store shared by several daemons can stand behind the same interfaces.
 */
export interface Journal extends Appender, JournalEvents, JournalReader, OutageLog {
  /**
   * Why it takes nothing though nothing was tried: it isn't where it was; or its database, which was away when the daemon
   * started, is there and can't be used. Null while all is well.
   */
  readonly trouble: string | null;

  /** While something is kept on this machine that should be in the database that daemons share, or that is away; else null. */
  readonly degraded: Degraded | null;

  readonly clock: Clock;

  /** Who is logged in to the page. */
  readonly logins: Logins;

  /**
   * Gives a route its place, by `start` if the journal doesn't know the route yet. From now on it holds back retention;
   * of what is invalid and not read yet, only where it delivers that.
   * @param selection what it selects from its cursor on, as `JournalReader#selections` gives it back
   * @param sharing which part of it this daemon has, where several share the journal
   */
  openRoute(
    name: string,
    start: Start,
    invalid?: 'quarantine' | 'deliver',
    selection?: object | null,
    sharing?: RouteSharing,
  ): Promise<RoutePlace>;

  /** The route holds back retention no longer. Should it be opened again, it goes on from its cursor. */
  releaseRoute(name: string): Promise<void>;

  /**
   * Shows what goes on in this daemon to all who share the journal: it is asked for each second, and written where it has changed.
   * Missing where one daemon has the journal.
   */
  show?(shown: Shown): void;

  /** What `Limits` say counts from now on. */
  limit(limits: Limits): void;

  /** What the daemon says of itself from now on. */
  describe(about: AboutDaemon): void;

  /** Ends all sessions that are still open. */
  close(): Promise<void>;
}

/** Intake's part. */
export interface Appender {
  /**
   * Commits a batch in one transaction. When it resolves, the batch is on disk; when it rejects, count on none of it.
   * Returns the new entries, in the batch's order: a notification whose id the journal has is a redelivery, and is
   * dropped.
   * @throws JournalError if the store can't be written, or isn't in its place
   */
  append(batch: readonly Notification[]): Promise<readonly Entry[]>;
}

/** Where it is kept when nothing came from a broker. It is on disk within seconds. */
export interface OutageLog {
  /** @param since Unix milliseconds; @param code what the broker or the system has answered */
  brokerAway(broker: BrokerName, since: number, reason: string, code: number | string | null): void;
  /** @param until Unix milliseconds */
  brokerBack(broker: BrokerName, until: number): void;
}

export interface BrokerName {
  readonly zone: string;
  /** Host and port. */
  readonly broker: string;
}

/** The notices to those that wait for something new. */
export interface JournalEvents {
  /** Returns how to stop that. */
  subscribe(listener: (change: Change) => void): () => void;

  /** An operator says that there is a change: it is told at once, and not within a second. */
  look(): void;

  /** Whether an operator has paused a route, as of the last look; a change of it is one of the records. */
  pauseOf(route: string): Pause | null;
}

/**
 * Something was appended; or somebody else, an operator mostly, has changed what is recorded of deliveries; or an operator
 * elsewhere wants the sinks that are away to be probed now: that of one route, or of all.
 */
export type Change = 'appended' | 'records' | { readonly probe: string | null };

/** What a journal that several daemons share is told of a route. */
export interface RouteSharing {
  /** No other daemon may run it. */
  readonly alone?: boolean;
  /** It gets only what this daemon has taken. */
  readonly own?: boolean;
}

/** Something is kept on this machine that should be in the database that daemons share. */
export interface Degraded {
  /** The database is away; or it is there, and takes what was kept meanwhile, or refuses that. */
  readonly state: 'away' | 'draining' | 'refused';
  /** Unix milliseconds. */
  readonly since: number;
  readonly reason: string;
  /** Notifications that are kept on this machine until they are in the database. */
  readonly spooled: number;
}

/** A route that can't miss anything any more. */
export interface RoutePlace {
  /**
   * Resolves when the route is this daemon's, which may be long after. Intake doesn't wait for that.
   * @param signal aborts the wait: the promise rejects with its reason
   * @throws JournalError
   */
  session(signal?: AbortSignal): Promise<RouteSession>;
}

/** How long what is settled is kept, and how much there may be. Milliseconds and bytes. */
export interface Limits {
  readonly retention: number;
  readonly deadRetention: number;
  readonly maxSize: number;
  /** What undecodable and invalid notifications may have of it: 1 is all. */
  readonly invalidShare: number;
}

/** Whether the clock may say that something is old. */
export interface Clock {
  /** False while nothing may be removed for its age. */
  readonly isTrusted: boolean;
  /** Why it isn't trusted, where it is more than a day beyond the last sign of life; else null. */
  readonly doubt: ClockDoubt | null;
}

export interface ClockDoubt {
  /** Unix milliseconds. */
  readonly lastSign: number;
  /** Milliseconds of running after which it is believed all the same. */
  readonly believedIn: number;
}

/** The journal can't be opened, read or written; the message says what an operator can do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}
