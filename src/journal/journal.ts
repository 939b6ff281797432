import type { Notification } from '../kazoo/notification.ts';
import type { Entry } from './entry.ts';
import type { JournalReader } from './reader.ts';

/**
 * Where a new route begins: after what is there now, at the oldest entry, or at what was received from this Unix
 * millisecond on.
 */
export type Start = 'now' | 'earliest' | number;

/** `account`: deliveries of one account go out one at a time, in the journal's order. */
export type Order = 'none' | 'account';

/** What a reader cares for; reading may leave out anything else. Empty lists are all. */
export interface Interest {
  /** Names of the catalogue, and globs. */
  readonly events: readonly string[];
  readonly accounts: readonly string[];
  /** Whether an event is among `events`; null is that of an entry without one. */
  isWantedEvent(event: string | null): boolean;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** Nothing of interest is left between the place that was read from and this one. */
  readonly through: number;
  /** Whether something may stand beyond it. */
  readonly more: boolean;
}

/**
 * One try of a delivery that failed; or, as `restart`, an operator's wish to begin anew, from which tries are counted.
 */
export interface Attempt {
  /** Unix milliseconds of its start, and how many it took. */
  readonly at: number;
  readonly duration: number;
  readonly outcome: 'retry' | 'dead' | 'restart';
  /** What the other side answered: an HTTP status, an SQLSTATE, a code of the system. */
  readonly code?: number | string;
  /** 1 KiB at most. */
  readonly reason: string;
}

/**
 * Why an entry isn't settled though its route's cursor has passed it: `waiting` for its next try, `quarantined` because
 * it is invalid or unknown, `dead` because trying it again is of no use.
 */
export type RecordedState = 'waiting' | 'quarantined' | 'dead';

/** What a route records of a delivery that isn't settled. */
export interface Recorded {
  readonly seq: number;
  readonly accountId: string | null;
  readonly state: RecordedState;
  readonly reason: string;
  readonly attempts: readonly Attempt[];
  /**
   * Unix milliseconds of its next try; null where it waits behind an earlier one of its account, or waits for nothing.
   */
  readonly dueAt: number | null;
  /** The journal has a record of it already. Should that be gone, an operator has dropped it, and it doesn't come back. */
  readonly exists: boolean;
}

/** What has changed for a route since its last settlement. */
export interface Settlement {
  readonly cursor: number;
  /** Entries that are not settled, and may be left behind: also beyond the cursor. */
  readonly recorded: readonly Recorded[];
  /** Entries that were recorded, and are settled now. */
  readonly settled: readonly number[];
}

/** A delivery that is due again. */
export interface Waiting {
  readonly entry: Entry;
  readonly attempts: readonly Attempt[];
}

export interface WaitingPage {
  readonly waiting: readonly Waiting[];
  /** Whether there may be more of them. */
  readonly more: boolean;
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

/**
 * The store between intake and delivery. Everything may be asynchronous, so that a store shared by several daemons can
 * stand behind the same interface.
 */
export interface Journal extends JournalReader {
  /** Why it takes nothing though nothing was tried: it isn't where it was. Null while all is well. */
  readonly trouble: string | null;

  readonly clock: Clock;

  /**
   * Commits a batch in one transaction. When it resolves, the batch is on disk; when it rejects, none of it may be taken
   * for that. Returns the entries of what is new, in the batch's order: what has an id that the journal has already is a
   * redelivery, and is dropped.
   * @throws JournalError when the store can't be written, or isn't where it was
   */
  append(batch: readonly Notification[]): Promise<readonly Entry[]>;

  /** Entries after `seq`, oldest first, `limit` at most and some MiB at most; from memory where they are recent. */
  read(seq: number, limit: number, interest: Interest): Promise<Page>;

  /** Calls back after each append, and after changes of the deliveries by other processes. Returns how to stop that. */
  subscribe(listener: (change: 'appended' | 'listed') => void): () => void;

  /**
   * The cursor of a route, placed by `start` if the journal doesn't know the route yet. From now on it holds back
   * retention; of what is invalid and not read yet, only where it delivers that.
   */
  openRoute(name: string, start: Start, invalid?: 'quarantine' | 'deliver'): Promise<number>;

  /**
   * Entries after `seq` that a route lists all the same, or that an operator has dropped: the route stood farther when
   * it ended without saying so.
   */
  decidedAfter(route: string, seq: number): Promise<number[]>;

  /** Makes all due that waited behind an earlier one of its account: the route keeps no order, or no longer. */
  wakeAll(route: string): Promise<void>;

  /**
   * Makes the first of each account due, where it waited behind another one before a stop or a change of order. Returns
   * the accounts that have waiting deliveries, with the entry of the first one.
   */
  wakeFirst(route: string): Promise<Map<string, number>>;

  /** The route holds back retention no longer. Should it be opened again, it goes on from its cursor. */
  releaseRoute(name: string): void;

  /** What `Limits` say counts from now on. */
  limit(limits: Limits): void;

  /**
   * Records a route's progress, with the next commit or 100 ms later: a crash may repeat the last deliveries, and skips
   * none.
   */
  settle(route: string, settlement: Settlement): void;

  /**
   * Waiting deliveries that are due at a time, those due first first; and those that seem to be due after `horizon`,
   * for which only a clock that was set back can be the reason. As many at a time as of `read`.
   * @param held entries that are left out
   */
  due(route: string, now: number, horizon: number, limit: number, held: ReadonlySet<number>): Promise<WaitingPage>;

  /** When the next one after a time is due, or null. */
  nextDue(route: string, now: number): Promise<number | null>;

  /** Waiting deliveries of one account, due or not, in the journal's order. As many at a time as of `read`. */
  waitingOf(route: string, accountId: string, limit: number): Promise<readonly Waiting[]>;

  /** Those of these entries whose deliveries wait: others that did have been dropped by an operator. */
  waitingAmong(route: string, seqs: readonly number[]): Promise<Set<number>>;
}

/** The journal can't be opened, read or written; the message says what an operator can do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}
