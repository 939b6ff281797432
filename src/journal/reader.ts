import type { Entry } from '../notification/entry.ts';

/** Reading what a journal holds: safe beside a daemon that writes it. */
export interface JournalReader {
  /** Entries after `after` that fit, oldest first; without `after` or `since` the newest `limit` ones. */
  find(query: Query): Promise<Entry[]>;
  summary(): Promise<Summary>;
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

/** What a journal holds. Times are Unix milliseconds of arrival. */
export interface Summary {
  /** On disk. */
  readonly bytes: number;
  /** What counts of them towards `maxSize`: not what will be used again. */
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
  /** What fits no schema, the newest kinds first. */
  readonly drift: readonly Drift[];
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
