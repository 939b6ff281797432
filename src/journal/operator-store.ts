import type { Entry } from '../notification/entry.ts';
import type { NotificationState, Problem } from '../notification/notification.ts';
import type { OpenedReader } from './reader.ts';
import type { Attempt, RecordedState } from './route-session.ts';

/** An operator's access to unsettled deliveries, beside a daemon or without one. */
export interface OperatorStore extends OpenedReader {
  /** What this operator does now. Whatever is changed by it is committed together with its row in the audit. */
  act(operator: Operator, selection: ActSelection): OperatorAct;
  /** What operators have done, oldest first: the newest `limit` of those since a time, in Unix milliseconds. */
  acts(since: number, limit: number): Promise<AuditedAct[]>;
  /** One of them, by its number. */
  actAt(number: number): Promise<AuditedAct | null>;
  /** Records behind a place in the table, oldest first. */
  records(which: DeliveryFilter, after: number, limit: number): Promise<DeliveryRecord[]>;
  /** Groups of records, the largest first. */
  groups(which: DeliveryFilter): Promise<DeliveryGroup[]>;
  /** The largest of the finer ones, read from counts that are kept: however many records there are, it takes as long. */
  eventGroups(which: GroupFilter, limit: number): Promise<EventGroups>;
  /** How many records there are. */
  count(which: DeliveryFilter): Promise<number>;
  entry(id: string): Promise<Entry | null>;
  entryAt(seq: number): Promise<Entry | null>;
  /** All records of an entry, also of what waits. */
  recordsOf(seq: number): Promise<DeliveryRecord[]>;
  /** Saves a new result of the validation. */
  saveValidation(seq: number, state: NotificationState, problems: readonly Problem[]): Promise<void>;
  /** Null where the journal doesn't know the route. */
  cursorOf(route: string): Promise<number | null>;
  /** As a route's session has it. */
  waitingAmong(route: string, seqs: readonly number[]): Promise<Set<number>>;
  /**
   * Which of these entries a route whose cursor stands there doesn't come to any more: what it lists beyond its cursor, or
   * an operator has dropped there, is decided.
   */
  passedAmong(route: string, cursor: number, seqs: readonly number[]): Promise<Set<number>>;
  /** How many deliveries of a span of entries wait. */
  waitingIn(route: string, from: number, to: number): Promise<number>;
  /** The number of an account's notifications. Undecodable ones have no account. */
  holdingsOf(accountId: string): Promise<Holdings>;
  /** The last sign of life in the journal, in Unix milliseconds, where the clock is in doubt by it; else null. */
  clockDoubt(): Promise<number | null>;
  /**
   * Tells all daemons that share the journal to probe the sinks that are away at once, of one route or of all. Missing where
   * one daemon has it.
   */
  askForProbe?(route: string | null): Promise<void>;
  /** By place, the names of the daemons that took these entries. Missing where one daemon has the journal. */
  takenBy?(seqs: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /** The operator has seen what was dead or quarantined until this time: of one route, or of all. */
  looked(at: number, route?: string): Promise<void>;
}

/** One act: a command, or a click. Each kind of change by it has a row in the audit, which counts along. */
export interface OperatorAct {
  /** Writes its row before anything is changed, so that whoever looks can follow it. Returns the row's number. */
  begin(act: ActName): Promise<number>;
  /** Tells how far one is that has begun so. */
  tell(progress: ActProgress): Promise<void>;
  /** Makes dead and quarantined ones due now, with all their tries before them. Returns how many there were. */
  retry(records: readonly DeliveryRecord[]): Promise<number>;
  /** As `retry`, for the dead ones of a selection, however many: gives how many there were in each step. */
  retryDead(which: Omit<DeliveryFilter, 'states'>): AsyncIterable<number>;
  /** Makes waiting ones due now, with the tries before them that they had. Returns how many still waited. */
  hasten(records: readonly DeliveryRecord[]): Promise<number>;
  /** Counts them as settled from now on. Returns how many were still in their state. */
  drop(records: readonly DeliveryRecord[]): Promise<number>;
  /** Makes a route deliver them again. Returns how many of them didn't wait already. */
  replay(route: string, entries: readonly Entry[]): Promise<number>;
  /** No attempt of the route starts from now on, across restarts. Returns false where it was paused already. */
  pause(route: string): Promise<boolean>;
  /** Returns false where it wasn't paused. */
  resume(route: string): Promise<boolean>;
  /** Removes a route's records, its cursor and its pause: opened again, it is a new one. */
  forget(route: string): Promise<void>;
  /**
   * Removes an account's notifications; those that arrive meanwhile stay. A running route forgets them within a second,
   * except those that its sink is processing.
   * @param compact also rewrites the whole journal, so that nothing removed is left in the file
   * @throws JournalError if it is to be compacted while a daemon has it
   */
  erase(accountId: string, compact: boolean): Promise<Erased>;
  /** From now on the clock is believed as it is. */
  acceptClock(): Promise<void>;
  /** Nothing is changed here: the sinks of so many routes are probed, by the daemon or a command. */
  probed(routes: number): Promise<void>;
}

/** Who decides, and from where, for people to read. */
export interface Operator {
  readonly who: string;
  readonly from: string;
}

/** What an act is about, as far as it was said. Times are Unix milliseconds of arrival. */
export interface ActSelection {
  readonly route?: string;
  readonly states?: readonly DeliveryRecord['state'][];
  readonly event?: string;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
  readonly since?: number;
  readonly until?: number;
  readonly ids?: readonly string[];
}

/** A row of the audit. */
export interface AuditedAct extends Operator {
  readonly number: number;
  /** Unix milliseconds of its beginning. */
  readonly at: number;
  readonly act: ActName;
  readonly selection: ActSelection;
  /** How much it has changed so far: deliveries mostly. */
  readonly count: number;
  /** Null where it was done without telling of that. */
  readonly progress: ActProgress | null;
}

/** What is known of an act while it goes on, and then. */
export interface ActProgress {
  /** How much it is about; null where that isn't known yet. */
  readonly total: number | null;
  readonly isOver: boolean;
  /** Why it ended before all was done. */
  readonly problem: string | null;
}

export type ActName = 'retry' | 'drop' | 'replay' | 'pause' | 'resume' | 'probe' | 'forget' | 'erase' | 'accept-clock';

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
  /** What else there may be of it, where erasing doesn't come, for an operator to read. */
  readonly uncovered: readonly string[];
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
  readonly reason?: string;
  readonly event?: string;
  /** Unix milliseconds of arrival. */
  readonly since?: number;
  readonly ids?: readonly string[];
}

/** What of a filter is about groups as a whole. */
export type GroupFilter = Omit<DeliveryFilter, 'since' | 'ids'>;

/** Those of one route, state and reason. Times are Unix milliseconds. */
export interface DeliveryGroup extends Pick<DeliveryRecord, 'route' | 'state' | 'reason'> {
  readonly count: number;
  /** When the first one came to be so, of those that there have been since there are any. */
  readonly first: number;
  readonly last: number;
  /** The earliest next try; null where there is none. */
  readonly dueAt: number | null;
}

/** Those of one route, state, reason and event. */
export interface EventGroup extends Omit<DeliveryGroup, 'dueAt'> {
  readonly event: string | null;
  /** The id of the notification of its oldest record; null where that has just gone. */
  readonly example: string | null;
  /** The earliest of what waits; null where nothing does, or all of it is behind earlier ones of its accounts. */
  readonly nextTry: NextTry | null;
}

/** When something is tried again. */
export interface NextTry {
  /** Unix milliseconds. */
  readonly at: number;
  /** True where it is after that, and nobody has looked for how long. */
  readonly isLater: boolean;
}

export interface EventGroups {
  readonly groups: readonly EventGroup[];
  /** How many groups fit, and how many records are in them. */
  readonly fitting: number;
  readonly count: number;
  /** True where there were too many groups to look at all of them: there may be more, and larger ones. */
  readonly isMore: boolean;
}

/** So many groups are looked at: a receiver may answer each request with another reason. */
export const mostGroups = 10_000;

/** Whether counts by group, which are kept, tell all that is asked for. */
export function isAboutGroups({ since, ids }: DeliveryFilter): boolean {
  return since === undefined && ids === undefined;
}
