import type { Entry } from '../notification/entry.ts';

/** Reads a journal, safely beside a daemon that writes it. */
export interface JournalReader {
  /** Entries after `after` that fit, oldest first; without `after` or `since` the newest `limit` ones. */
  find(query: Query): Promise<Entry[]>;
  summary(): Promise<Summary>;
  /** The newest that fit, newest first. */
  search(search: Search): Promise<Found>;
  /** What KAZOO has published again of an entry, or before it, oldest first. */
  resendsOf(seq: number): Promise<Resend[]>;
  /** Of these entries, those that a broker has sent more than once. */
  redeliveriesOf(seqs: readonly number[]): Promise<ReadonlyMap<number, Redeliveries>>;
  /**
   * The results of an entry's deliveries, the newest of each route first. Deliveries that still have a record are not
   * among them, and those older than the retention may be missing.
   */
  deliveriesOf(seq: number): Promise<LoggedDelivery[]>;
  /** Since when results of deliveries are kept, in Unix milliseconds; null if none are. */
  loggedSince(): Promise<number | null>;
  /** What each route has selected, as far as there are entries of that time; of each route the newest first. */
  selections(): Promise<SelectionVersion[]>;
  /** How deliveries ended, oldest first. @param since Unix milliseconds: from the span on in which that is */
  counts(per: CountSpan, since: number): Promise<DeliveryCount[]>;
  /** When nothing came in, oldest first, of what touches this span of Unix milliseconds. */
  outages(since: number, until: number): Promise<Outage[]>;
}

/** A delivery that is done with. */
export interface LoggedDelivery {
  /** Empty for what could not be decoded: it was quarantined for all routes. */
  readonly route: string;
  /** `expired`: it was dead or quarantined for longer than that is kept. */
  readonly outcome: 'delivered' | 'dropped' | 'expired';
  /** Unix milliseconds of its commit. */
  readonly at: number;
  /** The code of the answer, if there is one. */
  readonly code: number | string | null;
  /** How often it was tried, since it was begun anew. */
  readonly attempts: number;
  /** Who has dropped it. */
  readonly by: string | null;
}

/** What a route selects of the entries behind a place, up to its next version. */
export interface SelectionVersion {
  readonly route: string;
  readonly after: number;
  /** Since when, in Unix milliseconds. */
  readonly at: number;
  /** As it was given to `openRoute`; null where nobody knows. */
  readonly selection: object | null;
}

/** In milliseconds. Days are UTC's. The last 60 minutes are kept, 48 hours, and 400 days. */
export const countSpans = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

export type CountSpan = keyof typeof countSpans;

/** Of one route and event. */
export interface DeliveryCount {
  /** Of the span, in Unix milliseconds. */
  readonly start: number;
  readonly route: string;
  /** `other` for those of a route that has more than 200. */
  readonly event: string;
  readonly delivered: number;
  readonly dead: number;
  readonly quarantined: number;
  /** When the last one was delivered, in Unix milliseconds. */
  readonly last: number | null;
}

export interface Outage {
  /** Unix milliseconds; null while it lasts. */
  readonly since: number;
  readonly until: number | null;
  /** Both empty where no daemon ran. */
  readonly zone: string;
  readonly broker: string;
  readonly reason: string;
  readonly code: number | string | null;
  /** The name of the daemon that was cut off from it, where several share the journal: others may not have been. */
  readonly daemon: string | null;
}

/** The same message again: it has the same id, and was dropped. */
export interface Redeliveries {
  readonly count: number;
  /** Unix milliseconds. */
  readonly last: number;
}

export interface Resend {
  readonly id: string;
  readonly receivedAt: number;
}

/** One that was opened for reading alone. */
export interface OpenedReader extends JournalReader {
  close(): Promise<void>;
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

/** What `why` looks for; every part that is given narrows the selection. */
export interface Search {
  /** Names and globs. */
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
  readonly zones?: readonly string[];
  /** A value anywhere in the body. */
  readonly callId?: string;
  /** A phone number or an extension anywhere in the body, however it is written there. */
  readonly number?: string;
  /** Unix milliseconds of arrival. Without it, the search ends after some 30,000 entries that it had to read. */
  readonly since?: number;
  readonly limit: number;
}

export interface Found {
  readonly entries: readonly Entry[];
  /** Arrival of the oldest entry that was looked at, in Unix milliseconds; null where there was none to look at. */
  readonly searchedTo: number | null;
  /** Whether there is something older that wasn't looked at. */
  readonly more: boolean;
}

/** What a journal holds. Times are Unix milliseconds of arrival. */
export interface Summary {
  /** On disk. */
  readonly bytes: number;
  /** The part of them that counts towards `maxSize`, without free space that will be reused. */
  readonly usedBytes: number;
  /** Entries, about: those that were removed from between count too. */
  readonly messages: number;
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly undecodable: number;
  /** How many of these are newer than an operator's last look at them. */
  readonly unseenUndecodable: number;
  /** When an operator last looked at any that are dead, quarantined or undecodable; null where nobody has. */
  readonly lookedAt: number | null;
  /** Bytes that undecodable and invalid notifications take. */
  readonly invalidBytes: number;
  /** Since the journal was made; `since` is when the first one was, in Unix milliseconds. */
  readonly evicted: Evicted & { readonly since: number | null };
  /** What fits no schema, the newest kinds first. */
  readonly drift: readonly Drift[];
  /** Those that share the journal; none where one daemon has it alone. */
  readonly daemons: readonly DaemonSummary[];
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
  /** How many of these were never tried, and wait for their digest. */
  readonly collecting: number;
  readonly quarantined: number;
  readonly dead: number;
  /** How many of the dead and quarantined ones are newer than an operator's last look at them. */
  readonly unseen: number;
  readonly paused: Pause | null;
  /** The name of the daemon that has it, where several share the journal; null where none has it now. */
  readonly holder: string | null;
  /** As that daemon has said; null where one daemon has the journal, or none has the route, or nothing is known of it yet. */
  readonly state: RouteState | null;
}

/** What a route does just now. Only the daemon that runs it knows. */
export interface RouteState {
  readonly inFlight: number;
  /** Entries that its condition couldn't be evaluated for, since it was started there. */
  readonly conditionFailures: number;
  /** Where it fails on everything: on how many, since when (Unix milliseconds of arrival), and why. */
  readonly conditionTrouble: { readonly count: number; readonly since: number; readonly reason: string } | null;
  /** Why it can't read or write its journal. */
  readonly interrupted: string | undefined;
  readonly circuit: 'closed' | 'open' | 'probing';
  /** Since when it is closed, or isn't, in Unix milliseconds. */
  readonly circuitSince: number;
  readonly refusedAccounts: number;
  readonly trouble: { readonly reason: string; readonly code?: number | string | undefined } | undefined;
  /** Milliseconds until the next probe. */
  readonly probeIn: number;
}

/** A link of a daemon to a broker. Only that daemon knows of it. */
export interface LinkState {
  readonly zone: string;
  /** Host and port. */
  readonly broker: string;
  readonly state: 'connecting' | 'consuming' | 'away';
  /** Since when, in Unix milliseconds. */
  readonly since: number;
  /** True while the journal is not writable. */
  readonly paused: boolean;
  readonly reason: string | null;
  readonly code: number | string | null;
}

/** A daemon that shares the journal, and lives or has stopped without saying so. Times are Unix milliseconds. */
export interface DaemonSummary {
  readonly name: string;
  readonly version: string;
  /** As it says itself: see `AboutDaemon`. */
  readonly configuration: string;
  readonly since: number;
  /** By how many milliseconds its clock is ahead of the database's. */
  readonly skew: number;
  /** Whether its lease holds. */
  readonly lives: boolean;
  /** That it has, by name. */
  readonly routes: readonly string[];
  /** To brokers, as it has said last. */
  readonly links: readonly LinkState[];
}

/** An operator has paused a route: no attempt starts. */
export interface Pause {
  /** Unix milliseconds. */
  readonly at: number;
  readonly who: string;
}

/** How many made way because their share was used up: undecodable ones, and invalid ones of unknown and of known events. */
export interface Evicted {
  readonly undecodable: number;
  readonly unknown: number;
  readonly known: number;
}

/** A way in which notifications of an event don't fit what is known of it. */
export interface DriftKind {
  /** As it was sent; empty where there was none. */
  readonly event: string;
  /** False for an event that no schema is for. */
  readonly known: boolean;
  /** JSON Pointer into the body, with `*` in the place of an index; empty is the body as a whole. */
  readonly path: string;
  /**
   * Of the problem; `unknownField` for a field that no schema has, `unknownEvent` for an event that none is for, and `other`
   * for all kinds of the event together that came after the first 200.
   */
  readonly keyword: string;
}

/** The same with what the journal has counted. Times are Unix milliseconds of arrival. */
export interface Drift extends DriftKind {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** The id of the last notification that had it; retention may have removed that. */
  readonly example: string;
}
