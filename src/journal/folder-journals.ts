import type { Logger } from 'pino';
import type { Notification } from '../notification/notification.ts';
import type { Appender } from './journal.ts';
import type { Drift } from './reader.ts';

/** What a journal that daemons share needs of one in a folder of this machine. */
export interface FolderJournals {
  /**
   * Opens the folder where notifications are kept while the database is away.
   * @param size in bytes, that it may have
   * @throws JournalError when another daemon has it, or it can't be used
   */
  openSpool(folder: string, size: number, log: Logger): Spool;
  /** Opens a journal to be copied, which no daemon may have meanwhile. @throws JournalError */
  openSource(folder: string): CopySource;
}

/** A notification as it was appended, with its place in the folder. What no schema knows of it isn't kept. */
export interface Placed {
  readonly seq: number;
  readonly resendOf: string | null;
  readonly notification: Notification;
}

/** What is kept on this machine until the database is back. What it has already falls out; places are its own. */
export interface Spool extends Appender {
  /** How many notifications are in it. */
  readonly count: number;
  /** The oldest ones: some MiB of them at most, or one. */
  read(limit: number): Placed[];
  /** They are in the database. @throws JournalError */
  remove(placed: readonly Placed[]): void;
  /** What was found in bodies that no schema has: that can't be told from the notifications. */
  unknownFields(): Drift[];
  /** All of it is in the database: nothing is left here, neither in what is free of its files. @throws JournalError */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** A journal in a folder as it is copied. */
export interface CopySource {
  readonly folder: string;
  /** A number that is this journal's alone, wherever its folder is. */
  readonly identity: number;
  /** How many entries there are, and the last one's place. */
  readonly count: number;
  readonly last: number;
  /** Of all entries, in their order. */
  ids(): Iterable<{ readonly seq: number; readonly id: string }>;
  /** The first ones behind a place: some MiB of them at most, or one. */
  read(after: number, limit: number): Placed[];
  countOf(table: NumberedTable): number;
  /** Rows behind a position, each with its own. */
  rows(table: NumberedTable, after: number, limit: number): readonly Row[];
  all(table: SmallTable): readonly Row[];
  drift(): Drift[];
  close(): void;
}

/** By the names of their columns. */
export type Row = Readonly<Record<string, unknown>>;

/** Tables that may be large, whose rows have numbers. */
export type NumberedTable = 'deliveries' | 'delivery_log' | 'audit' | 'outages';

export type SmallTable = 'routes' | 'dropped' | 'selections' | 'paused' | 'looks' | 'delivery_counts' | 'facts';
