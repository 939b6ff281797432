import type { Entry } from '../notification/entry.ts';
import type { NotificationState, Problem } from '../notification/notification.ts';
import type { OpenedReader } from './reader.ts';
import type { Attempt, RecordedState } from './route-session.ts';

/** Where an operator decides about what isn't settled, and about replays, beside a daemon or without one. */
export interface OperatorStore extends OpenedReader {
  /** Records behind a place in the table, oldest first. */
  records(which: DeliveryFilter, after: number, limit: number): Promise<DeliveryRecord[]>;
  groups(which: DeliveryFilter): Promise<DeliveryGroup[]>;
  entry(id: string): Promise<Entry | null>;
  entryAt(seq: number): Promise<Entry | null>;
  /** All records of an entry, also of what waits. */
  recordsOf(seq: number): Promise<DeliveryRecord[]>;
  /** Makes dead and quarantined ones due now, with all their tries before them. Returns how many there were. */
  retry(records: readonly DeliveryRecord[]): Promise<number>;
  /** As `retry`, for the dead ones of a selection, however many: gives how many there were in each step. */
  retryDead(which: Omit<DeliveryFilter, 'states'>): AsyncIterable<number>;
  /** Makes waiting ones due now, with the tries before them that they had. Returns how many still waited. */
  hasten(records: readonly DeliveryRecord[]): Promise<number>;
  /** Counts them as settled from now on. Returns how many were still in their state. */
  drop(records: readonly DeliveryRecord[]): Promise<number>;
  /** What a validator has found now. */
  saveValidation(seq: number, state: NotificationState, problems: readonly Problem[]): Promise<void>;
  /** Null where the journal doesn't know the route. */
  cursorOf(route: string): Promise<number | null>;
  /** Makes a route deliver them again. Returns how many of them didn't wait already. */
  replay(route: string, entries: readonly Entry[]): Promise<number>;
  /** As a route's session has it. */
  waitingAmong(route: string, seqs: readonly number[]): Promise<Set<number>>;
  /**
   * Which of these entries a route whose cursor stands there doesn't come to any more: what it lists beyond its cursor, or
   * an operator has dropped there, is decided.
   */
  passedAmong(route: string, cursor: number, seqs: readonly number[]): Promise<Set<number>>;
  /** How many deliveries of a span of entries wait. */
  waitingIn(route: string, from: number, to: number): Promise<number>;
  /** Removes a route's records and its cursor: opened again, it is a new one. */
  forget(route: string): Promise<void>;
  /** What there is of an account. What can't be decoded is of no account. */
  holdingsOf(accountId: string): Promise<Holdings>;
  /**
   * Removes what there is of an account; what comes in meanwhile stays. A route that runs forgets it within a second, but
   * what is with its sink.
   * @param compact writes the whole journal anew too: nothing is left in it then of what was removed before
   * @throws JournalError where it is to be compacted and a daemon has it
   */
  erase(accountId: string, compact: boolean): Promise<Erased>;
  /** The last sign of life in the journal, in Unix milliseconds, where the clock is in doubt by it; else null. */
  clockDoubt(): Promise<number | null>;
  /** From now on the clock is believed as it is. */
  acceptClock(): Promise<void>;
}

/** A record of a delivery that isn't settled, with what it is about. */
export interface DeliveryRecord {
  /** Its place in the table: records come in the order of it. */
  readonly number: number;
  readonly seq: number;
  /** Empty for what can't be decoded: it is quarantined for all routes. */
  readonly route: string;
  readonly state: RecordedState | 'undecodable';
  readonly reason: string;
  readonly attempts: readonly Attempt[];
  readonly dueAt: number | null;
  readonly updatedAt: number;
  readonly id: string;
  readonly event: string | null;
  readonly accountId: string | null;
  readonly receivedAt: number;
}

/** What a journal has of an account: notifications, and how many of their deliveries aren't settled. */
export interface Holdings {
  readonly notifications: number;
  /** When the first and the last of them came, in Unix milliseconds. */
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly waiting: number;
  readonly quarantined: number;
  readonly dead: number;
  /** Notifications of other accounts, or of none, whose bodies have its id in them. */
  readonly mentions: number;
}

export interface Erased {
  readonly notifications: number;
  /** False where a program that reads the journal keeps in its log what was written before. */
  readonly isLogEmpty: boolean;
  /** How often the account's id is still in the journal's file: in mentions, or in what is left of rows that were moved. */
  readonly remains: number;
}

/** Which of them; every part that is given narrows the selection. */
export interface DeliveryFilter {
  readonly states: readonly DeliveryRecord['state'][];
  readonly route?: string;
  readonly routes?: readonly string[];
  readonly event?: string;
  /** Unix milliseconds of arrival. */
  readonly since?: number;
  readonly ids?: readonly string[];
}

/** Those of one route, state and reason. Times are Unix milliseconds. */
export interface DeliveryGroup extends Pick<DeliveryRecord, 'route' | 'state' | 'reason'> {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** The earliest next try; null where there is none. */
  readonly dueAt: number | null;
}
