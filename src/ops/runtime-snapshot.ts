import type { Histogram } from '../common/stats.ts';
import { pluralize } from '../common/text/format.ts';
import type { Clock, Degraded } from '../journal/journal.ts';
import type { Summary } from '../journal/reader.ts';
import type { Activity, BrokerStatus } from './status.ts';

/** What a running daemon shows of itself: read on request, never pushed. */
export interface RuntimeSnapshot {
  brokers(): readonly BrokerSnapshot[];
  /** Those that run here. */
  routes(): readonly RouteSnapshot[];
  /** All routes of the configuration, by their names in the journal. */
  configured(): readonly string[];
  summary(): Promise<Summary>;
  /** The journal's own report of a fault. */
  readonly journalProblem: string | null;
  readonly degraded: Degraded | null;
  readonly clock: Clock;
  /** Bytes of notifications that are in memory, and that may be. */
  readonly memory: { readonly used: number; readonly limit: number };
  /** Bytes that the journal may have. */
  readonly maxSize: number;
  /** Bytes that undecodable and invalid notifications may have of it. */
  readonly maxInvalidBytes: number;
  /** Messages that our queue may hold on a broker. */
  readonly maxQueue: number;
  /** Events that usually come, and those of them that don't. */
  expected(): readonly Expected[];
  overdue(): readonly Expected[];
  /** How many lines the daemon has logged, by level. */
  lines(): ReadonlyMap<string, number>;
}

interface Expected {
  readonly event: string;
  readonly zone: string | undefined;
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

/** What should move and doesn't: empty while all is well. A broker or a sink that is away keeps nothing from moving. */
export function stuckIn({ brokers, routes }: Pick<RuntimeSnapshot, 'brokers' | 'routes'>): string[] {
  return [
    ...brokers()
      .filter(({ stuck }) => stuck)
      .map(({ zone, broker }) => `the link to ${broker} (zone ${zone})`),
    ...routes()
      .filter(({ stuck }) => stuck)
      .map(({ name }) => `the route ${name}`),
  ];
}

/**
 * The reasons why the daemon doesn't receive from every broker, or can't deliver what it has; empty if it does. An
 * unavailable sink is not among them: its notifications wait in the journal.
 */
export function unreadyIn({
  brokers,
  routes,
  journalProblem,
  degraded,
}: Pick<RuntimeSnapshot, 'brokers' | 'routes' | 'journalProblem' | 'degraded'>): string[] {
  return [
    ...(journalProblem === null ? [] : [`the journal: ${journalProblem}`]),
    ...databaseNeed(degraded),
    ...brokers().flatMap((broker) => {
      const name = `${broker.broker} (zone ${broker.zone})`;
      if (broker.paused) return [`${name}: journal not writable: ${broker.reason}`];
      return broker.state === 'consuming' ? [] : [`${name}: ${stateOf(broker)}`];
    }),
    ...routes().flatMap(({ name, activity: { interrupted } }) =>
      interrupted === undefined ? [] : [`the route ${name} is interrupted: ${interrupted}`],
    ),
  ];
}

/** What was kept while it was away keeps nothing else from being received and delivered. */
function databaseNeed(degraded: Degraded | null): string[] {
  if (degraded === null || degraded.state === 'draining') return [];
  const what = { away: 'is away', refused: 'refuses what is in journal.spool' }[degraded.state];
  return [`the journal's database ${what}: ${degraded.reason}`];
}

function stateOf({ state, reason }: BrokerSnapshot): string {
  return reason === null ? state : `${state}: ${reason}`;
}

/** What goes on, in one line, for `systemctl status`. It changes when a state does, not with every notification. */
export function summaryOf({
  brokers,
  routes,
  degraded,
}: Pick<RuntimeSnapshot, 'brokers' | 'routes' | 'degraded'>): string {
  const links = brokers();
  const consuming = links.filter(({ state, paused }) => state === 'consuming' && !paused);
  const paused = routes().filter(({ activity }) => activity.paused !== null);
  const away = routes().filter(({ activity }) => activity.paused === null && activity.circuit !== 'closed');
  const delivering = routes().length - paused.length - away.length;
  const parts = [`consuming from ${consuming.length} of ${pluralize(links.length, 'broker')}`];
  if (links.some(({ paused }) => paused)) parts.push('journal not writable');
  if (degraded !== null) parts.push(databaseStates[degraded.state]);
  parts.push(`${delivering} of ${pluralize(routes().length, 'route')} delivering`);
  if (away.length > 0) parts.push(`sink away: ${away.map(({ name }) => name).join(', ')}`);
  if (paused.length > 0) parts.push(`paused: ${paused.map(({ name }) => name).join(', ')}`);
  return parts.join('; ');
}

const databaseStates = {
  away: 'database of the journal away',
  draining: 'journal.spool being drained',
  refused: 'journal.spool refused by the database of the journal',
};
