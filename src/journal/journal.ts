import type { JsonObject, Notification, NotificationState, Problem } from '../kazoo/notification.ts';

/** A notification in the journal. */
export interface Entry extends Omit<Notification, 'raw' | 'fingerprint' | 'ownTime'> {
  /** Its place: entries are numbered in the order of their commit, with gaps. */
  readonly seq: number;
  /** The `id` of the first one of which KAZOO published this one again, else null. */
  readonly resendOf: string | null;
  /** What `json` says, parsed when it is first asked for; null where the body couldn't be decoded. */
  readonly data: JsonObject | null;
}

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
type ListedState = 'waiting' | 'quarantined' | 'dead';

/** A line of the deliveries table. */
export interface Listed {
  readonly seq: number;
  readonly accountId: string | null;
  readonly state: ListedState;
  readonly reason: string;
  readonly attempts: readonly Attempt[];
  /**
   * Unix milliseconds of its next try; null where it waits behind an earlier one of its account, or waits for nothing.
   */
  readonly dueAt: number | null;
  /** The table has a line of it already. Should that be gone, an operator has dropped it, and it doesn't come back. */
  readonly again: boolean;
}

/** What has changed for a route since its last settlement. */
export interface Settlement {
  readonly cursor: number;
  /** Entries that are not settled, and may be left behind: also beyond the cursor. */
  readonly listed: readonly Listed[];
  /** Entries that were listed, and are settled now. */
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

/** What `tail` asks for; every part that is given narrows the selection. */
export interface Query {
  /** Only entries after this one, oldest first. */
  readonly after?: number;
  /** Unix milliseconds of arrival. */
  readonly since?: number;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
  readonly limit: number;
}

/** Reading what a journal holds: safe beside a daemon that writes it. */
export interface JournalReader {
  /** Entries after `after` that fit, oldest first; without `after` or `since` the newest `limit` ones. */
  find(query: Query): Promise<Entry[]>;
  summary(): Promise<Summary>;
  close(): Promise<void>;
}

/** How long what is settled is kept, and how much there may be. Milliseconds and bytes. */
export interface Limits {
  readonly retention: number;
  readonly deadRetention: number;
  readonly maxSize: number;
  /** What undecodable and invalid notifications may have of it: 1 is all. */
  readonly invalidShare: number;
}

/** How many made way because their share was used up: undecodable ones, and invalid ones of unknown and of known events. */
export interface Evicted {
  readonly undecodable: number;
  readonly unknown: number;
  readonly known: number;
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

/** What a journal holds. Times are Unix milliseconds of arrival. */
export interface Summary {
  /** On disk. */
  readonly bytes: number;
  /** What counts of them towards `maxSize`: of the file, not what will be used again. */
  readonly usedBytes: number;
  /** Entries, about: those that were removed from between count too. */
  readonly messages: number;
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly undecodable: number;
  /** Bytes that undecodable and invalid notifications take. */
  readonly invalidBytes: number;
  /** Since the journal was made; `since` is when the first one was, in Unix milliseconds. */
  readonly evicted: Evicted & { readonly since: number | null };
  /** All that it knows anything of, in the configuration or not. */
  readonly routes: readonly RouteSummary[];
}

export interface RouteSummary {
  readonly name: string;
  readonly cursor: number;
  /**
   * How far it is behind: entries that it hasn't passed, wanted or not, and for how long the first of them has waited.
   */
  readonly lag: { readonly messages: number; readonly seconds: number };
  readonly waiting: number;
  readonly quarantined: number;
  readonly dead: number;
}

/** A line of the deliveries table, with what it is about. */
export interface Letter {
  /** Its place in the table: lines come in the order of it. */
  readonly number: number;
  readonly seq: number;
  /** Empty for what can't be decoded: it is quarantined for all routes. */
  readonly route: string;
  readonly state: ListedState | 'undecodable';
  readonly reason: string;
  readonly attempts: readonly Attempt[];
  readonly dueAt: number | null;
  readonly updatedAt: number;
  readonly id: string;
  readonly event: string | null;
  readonly accountId: string | null;
  readonly receivedAt: number;
}

/** Which of them; every part that is given narrows the selection. */
export interface Letters {
  readonly states: readonly Letter['state'][];
  readonly route?: string;
  readonly event?: string;
  /** Unix milliseconds of arrival. */
  readonly since?: number;
  readonly ids?: readonly string[];
}

/** Those of one route, state and reason. Times are Unix milliseconds. */
export interface LetterGroup extends Pick<Letter, 'route' | 'state' | 'reason'> {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** The earliest next try; null where there is none. */
  readonly dueAt: number | null;
}

/** Where an operator decides about what isn't settled, and about replays, beside a daemon or without one. */
export interface Desk extends Pick<JournalReader, 'find' | 'summary' | 'close'> {
  /** Lines behind a place in the table, oldest line first. */
  letters(which: Letters, after: number, limit: number): Promise<Letter[]>;
  groups(which: Letters): Promise<LetterGroup[]>;
  entry(id: string): Promise<Entry | null>;
  entryAt(seq: number): Promise<Entry | null>;
  /** Everything that is listed of an entry, also what waits. */
  linesOf(seq: number): Promise<Letter[]>;
  /** Makes dead and quarantined ones due now, with all their tries before them. Returns how many there were. */
  retry(letters: readonly Letter[]): Promise<number>;
  /** Makes waiting ones due now, with the tries before them that they had. Returns how many still waited. */
  hasten(letters: readonly Letter[]): Promise<number>;
  /** Counts them as settled from now on. Returns how many were still in their state. */
  drop(letters: readonly Letter[]): Promise<number>;
  /** What a validator has found now. */
  judge(seq: number, state: NotificationState, problems: readonly Problem[]): Promise<void>;
  /** Null where the journal doesn't know the route. */
  cursorOf(route: string): Promise<number | null>;
  /** Makes a route deliver them again. Returns how many of them didn't wait already. */
  replay(route: string, entries: readonly Entry[]): Promise<number>;
  /** As in `Journal`. */
  waitingAmong(route: string, seqs: readonly number[]): Promise<Set<number>>;
  /**
   * Which of these entries a route whose cursor stands there doesn't come to any more: what it lists beyond its cursor, or
   * an operator has dropped there, is decided.
   */
  passedAmong(route: string, cursor: number, seqs: readonly number[]): Promise<Set<number>>;
  /** How many deliveries of a span of entries wait. */
  waitingIn(route: string, from: number, to: number): Promise<number>;
  /** Removes a route's lines and its cursor: opened again, it is a new one. */
  forget(route: string): Promise<void>;
  /** The last sign of life in the journal, in Unix milliseconds, where the clock is in doubt by it; else null. */
  clockDoubt(): Promise<number | null>;
  /** From now on the clock is believed as it is. */
  acceptClock(): Promise<void>;
}

/** The journal can't be opened, read or written; the message says what an operator can do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}
