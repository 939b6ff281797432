import type { JsonObject, Notification } from '../kazoo/notification.ts';

/** A notification in the journal. */
export interface Entry extends Omit<Notification, 'raw' | 'fingerprint' | 'ownTime'> {
  /** Its place: entries are numbered in the order of their commit, with gaps. */
  readonly seq: number;
  /** The `id` of the first one of which KAZOO published this one again, else null. */
  readonly resendOf: string | null;
  /** Parsed from `json` when it is first asked for. */
  readonly data: JsonObject | null;
}

export interface Appended {
  readonly stored: number;
  /** Notifications whose id the journal already had: redeliveries, dropped. */
  readonly duplicates: number;
}

/** Where a new route begins: after what is there now, at the oldest entry, or at what was received from this Unix millisecond on. */
export type Start = 'now' | 'earliest' | number;

/** Why an entry isn't settled though its route's cursor has passed it. */
type UnsettledState = 'quarantined' | 'dead';

export interface Unsettled {
  readonly seq: number;
  readonly state: UnsettledState;
  readonly reason: string;
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
  close(): Promise<void>;
}

/**
 * The store between intake and delivery. Everything may be asynchronous, so that a store shared by several daemons can
 * stand behind the same interface.
 */
export interface Journal extends JournalReader {
  /**
   * Commits a batch in one transaction. When it resolves, the batch is on disk; when it rejects, none of it is.
   * @throws JournalError when the store can't be written
   */
  append(batch: readonly Notification[]): Promise<Appended>;

  /** Entries after `seq`, oldest first, `limit` at most; from memory where they are recent. */
  read(seq: number, limit: number): Promise<readonly Entry[]>;

  /** Resolves as soon as there is an entry after `seq`. Rejects with the signal's reason when it aborts. */
  waitFor(seq: number, signal: AbortSignal): Promise<void>;

  /** The cursor of a route, placed by `start` if the journal doesn't know the route yet. */
  openRoute(name: string, start: Start): Promise<number>;

  /**
   * Moves a route's cursor and lists what it leaves unsettled behind it. Both are written together, with the next commit
   * or 100 ms later: a crash may repeat the last deliveries, and skips none.
   */
  settle(route: string, cursor: number, unsettled: readonly Unsettled[]): void;
}

/** The journal can't be opened, read or written; the message says what an operator can do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}
