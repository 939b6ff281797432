import type { Entry, Interest } from '../notification/entry.ts';

/**
 * A route's access to the journal, while this daemon owns the route. Its progress is stored by the route's name, so
 * that the next owner continues from there.
 */
export interface RouteSession {
  /** All up to here is settled, but what is recorded: where the route stood when the session began. */
  readonly cursor: number;

  /**
   * Entries beyond the cursor and up to this one may have been delivered: a previous session ended without saying so.
   * Later ones were not.
   */
  readonly attemptedThrough: number;

  /** Aborts when the route may be somebody else's: nothing of it may be delivered any more, and nothing is saved. */
  readonly lost: AbortSignal;

  /** Aborts when another daemon should have the route: what is in flight may end, and then the session be closed. */
  readonly recalled: AbortSignal;

  /**
   * Entries after `seq`, oldest first, `limit` at most; from memory where they are recent.
   * @param bytes of memory that they may take; some MiB at most, and the first one whatever it takes
   */
  read(seq: number, limit: number, interest: Interest, bytes?: number): Promise<Page>;

  /**
   * Entries beyond the cursor that are recorded or settled all the same, or that an operator has dropped: the route stood
   * farther when it ended without saying so.
   */
  handledBeyondCursor(): Promise<number[]>;

  /** Makes all due that waited behind an earlier one of its account: the route keeps no order, or no longer. */
  wakeAll(): Promise<void>;

  /**
   * Makes the first of each account due, where it waited behind another one before a stop or a change of order. Returns
   * the accounts that have waiting deliveries, with the entry of the first one.
   */
  wakeFirst(): Promise<Map<string, number>>;

  /**
   * Waiting deliveries that are due at a time, those due first first; and those that seem to be due after `horizon`,
   * for which only a clock that was set back can be the reason. As many at a time as of `read`.
   */
  due(wanted: DueDeliveries): Promise<WaitingPage>;

  /** When the next one after a time is due, or null. */
  nextDue(now: number): Promise<number | null>;

  /** Waiting deliveries of one account, due or not, in the journal's order. As many at a time as of `read`. */
  waitingOf(accountId: string, limit: number, bytes?: number): Promise<readonly Waiting[]>;

  /**
   * Those of these entries whose deliveries wait, with their `restartedAt`: others that did have been dropped by an
   * operator.
   */
  waitingAmong(seqs: readonly number[]): Promise<ReadonlyMap<number, number>>;

  /** Those of these entries that the journal has no more: an operator has erased them. */
  erasedAmong(seqs: readonly number[]): Promise<ReadonlySet<number>>;

  /**
   * Takes a route's progress, which is saved with the next commit or 10 ms later: a crash may repeat the last
   * deliveries, and skips none. The promise is that commit's, the same for all that share it. A power failure may undo
   * it. If it rejects, nothing is saved and nothing is forgotten: the next commit, or `flush`, saves it.
   */
  settle(settlement: Settlement): Promise<void>;

  /** Saves the progress that isn't saved yet. @throws JournalError */
  flush(): Promise<void>;

  /** Saves the progress, and releases the route. @throws JournalError if it was released without saving */
  close(): Promise<void>;
}

/** Times are Unix milliseconds. */
export interface DueDeliveries {
  readonly now: number;
  readonly horizon: number;
  readonly limit: number;
  /** Entries that are left out. */
  readonly held: ReadonlySet<number>;
  /** As of `read`. */
  readonly bytes?: number | undefined;
  /** True for those alone that have the account of the first one, or none as it: in the journal's order. */
  readonly ofOneAccount?: boolean;
}

/** Where a new route begins: at the end, at the oldest entry, or at what was received from this Unix millisecond on. */
export type Start = 'now' | 'earliest' | number;

/** `account`: deliveries of one account go out one at a time, in the journal's order. */
export type Order = 'none' | 'account';

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
 * When an operator last wished to begin anew, in Unix milliseconds; 0 where nobody did. By it, a record is told from one
 * that takes its place: the entry was dropped, and replayed since.
 */
export function restartedAt(attempts: readonly Attempt[]): number {
  return attempts.findLast(({ outcome }) => outcome === 'restart')?.at ?? 0;
}

/** How often a delivery has been tried, since an operator last asked to begin anew. */
export function triesIn(attempts: readonly Attempt[]): number {
  return attempts.length - 1 - attempts.findLastIndex(({ outcome }) => outcome === 'restart');
}

/** One record of an entry, and none that takes its place. */
export interface RecordKey {
  readonly seq: number;
  readonly restartedAt: number;
}

/**
 * Why an entry isn't settled though its route's cursor has passed it: `waiting` for its next try, `quarantined` because
 * it is invalid or unknown, `dead` because trying it again is of no use.
 */
export type RecordedState = 'waiting' | 'quarantined' | 'dead';

/** What a route records of a delivery that isn't settled. */
export interface Recorded {
  readonly seq: number;
  readonly event: string | null;
  readonly accountId: string | null;
  readonly state: RecordedState;
  readonly reason: string;
  readonly attempts: readonly Attempt[];
  /**
   * Unix milliseconds of its next try; null where it waits behind an earlier one of its account, or waits for nothing.
   */
  readonly dueAt: number | null;
  /**
   * The journal has a record of it already, begun anew as often. Should that be gone, an operator has dropped it, and it
   * doesn't come back.
   */
  readonly exists: boolean;
}

/** How the reason begins of one that was never tried, and waits for its digest: that is no failure. */
export const digestReason = 'waits for the digest of ';

/** What has changed for a route since its last settlement. */
export interface Settlement {
  readonly cursor: number;
  /** All entries beyond the cursor that this session has settled; none where it is left out. */
  readonly ahead?: readonly number[];
  /** Entries that are not settled, and may be left behind: also beyond the cursor. */
  readonly recorded: readonly Recorded[];
  /** What is delivered now and had a record. */
  readonly settled: readonly DeliveredRecord[];
  /** What is delivered now and had none, in the journal's order; up to the cursor. */
  readonly delivered: readonly DeliveredRun[];
}

export interface DeliveredRecord extends RecordKey {
  readonly event: string | null;
  /** The code of the answer, if there is one. */
  readonly code: number | string | null;
  /** How often it was tried, since it was begun anew. */
  readonly attempts: number;
}

/** Deliveries that follow each other, were answered the same, and were each tried once. */
export interface DeliveredRun {
  readonly code: number | string | null;
  /** Where they are: from and to, from and to, … */
  readonly places: readonly number[];
  /** How many there are of each event; those without a name have an empty one. */
  readonly events: ReadonlyMap<string, number>;
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
