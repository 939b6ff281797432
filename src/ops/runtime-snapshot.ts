import type { Histogram } from '../common/stats.ts';
import type { Clock } from '../journal/journal.ts';
import type { Summary } from '../journal/reader.ts';
import type { Activity, BrokerStatus } from './status.ts';

/** What a running daemon shows of itself: read on request, never pushed. */
export interface RuntimeSnapshot {
  brokers(): readonly BrokerSnapshot[];
  routes(): readonly RouteSnapshot[];
  summary(): Promise<Summary>;
  /** What is wrong with the journal, as it says itself. */
  readonly journalProblem: string | null;
  readonly clock: Clock;
  /** Bytes that the journal may have. */
  readonly maxSize: number;
  /** Bytes that undecodable and invalid notifications may have of it. */
  readonly maxInvalidBytes: number;
  /** Messages that our queue may hold on a broker. */
  readonly maxQueue: number;
  /** How many lines the daemon has logged, by level. */
  lines(): ReadonlyMap<string, number>;
}

export interface BrokerSnapshot extends BrokerStatus {
  /** Messages that were taken and are not in the journal yet. */
  readonly held: number;
  /** True where the link or its intake should move and doesn't. */
  readonly stuck: boolean;
  readonly link: LinkCounts;
  readonly intake: IntakeCounts;
}

export interface RouteSnapshot {
  readonly name: string;
  readonly stuck: boolean;
  readonly activity: Activity;
  readonly counts: RouteCounts;
}

/** As src/broker counts them. */
interface LinkCounts {
  readonly sessions: number;
  readonly failures: number;
  readonly stalls: number;
  readonly depth: number | null;
}

interface IntakeCounts {
  readonly outcomes: readonly string[];
  readonly byEvent: ReadonlyMap<string, ArrayLike<number>>;
  readonly problems: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly sinceReceived: Histogram;
  readonly sincePublished: Histogram;
}

/** As src/delivery counts them. */
interface RouteCounts {
  readonly tries: Readonly<Record<'delivered' | 'retry' | 'dead', number>>;
  readonly failures: ReadonlyMap<string, number>;
  readonly unavailable: number;
  readonly dead: number;
  readonly opened: number;
  readonly sinceReceived: Histogram;
  readonly attempts: Histogram;
}
