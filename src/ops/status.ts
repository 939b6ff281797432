import type { ClockDoubt, Degraded } from '../journal/journal.ts';
import type { Evicted, Pause, RouteState, RouteSummary, Summary } from '../journal/reader.ts';
import type { Delivered } from './delivered-lately.ts';
import { version } from './process.ts';

/** The result of `kazoo-relay status`. Times are RFC 3339 in UTC. */
export interface Status {
  readonly running: boolean;
  readonly pid: number | null;
  readonly startedAt: string | null;
  /** Of the daemon, or of the command where no daemon runs. */
  readonly version: string;
  /** The configuration file, as it was named. */
  readonly config: string | null;
  /** Null where no daemon runs: only it knows. */
  readonly brokers: readonly BrokerStatus[] | null;
  /** Null where no daemon runs, or its HTTP port is off. */
  readonly http: HttpStatus | null;
  readonly journal: JournalStatus;
  /** Those that share the journal; empty where one daemon has it alone, or it can't be asked. */
  readonly daemons: readonly DaemonStatus[];
  /** Null where it is believed, or no daemon runs. */
  readonly clock: ClockStatus | null;
  readonly routes: readonly RouteStatus[];
  /** Those that have left the configuration, and what the journal still holds of them. */
  readonly former_routes: readonly FormerRoute[];
}

/** A link to a broker, as its daemon tells it. */
export interface LinkStatus {
  readonly zone: string;
  /** Host and port. */
  readonly broker: string;
  readonly state: 'connecting' | 'consuming' | 'away';
  readonly since: string;
  /** Why it is away, what it waits for, or who else consumes from the queue. */
  readonly reason: string | null;
  /** If it is away: AMQP's reply code, or the system's code, if there is one. */
  readonly code: number | string | null;
  /** True while the journal is not writable. */
  readonly paused: boolean;
}

export interface BrokerStatus extends LinkStatus {
  readonly vhost: string;
  /** Notifications a second, over the last minute. */
  readonly rate: number;
  /** Since the link was made. */
  readonly received: number;
}

/** Whether the port is open, as `status` tells it. */
export interface HttpStatus {
  /** Where it answers; as configured, while it doesn't. */
  readonly listen: string;
  readonly open: boolean;
  /** Why it isn't. */
  readonly reason: string | null;
}

/** Values that only the journal knows are null if it can't be read. */
interface JournalStatus {
  /** Where it is in a folder. */
  readonly path: string | undefined;
  /** Where it is in a database that daemons share: hosts, database and schema. */
  readonly database: string | undefined;
  /** While that is away, or not all that was kept meanwhile is in it; else null. */
  readonly degraded: DegradedStatus | null;
  readonly bytes: number | null;
  /** What counts of them towards `max_bytes`. */
  readonly used_bytes: number | null;
  readonly max_bytes: number;
  readonly messages: number | null;
  readonly oldest: string | null;
  readonly newest: string | null;
  readonly undecodable: number | null;
  /** How many of these are newer than an operator's last look, and when that was, at whatever was new then. */
  readonly unseen_undecodable: number | null;
  readonly looked_at: string | null;
  /** What undecodable and invalid notifications take, and may take. */
  readonly invalid_bytes: number | null;
  readonly max_invalid_bytes: number;
  /** How many of them were removed because that was used up. */
  readonly evicted: (Evicted & { readonly since: string | null }) | null;
  /** The fault, and what to do about it. */
  readonly reason: string | null;
}

interface DegradedStatus extends Omit<Degraded, 'since'> {
  readonly since: string;
}

/** A daemon that shares the journal. */
export interface DaemonStatus {
  readonly name: string;
  /** Whether it is the one that was asked, or of the configuration of the command. */
  readonly asked: boolean;
  readonly version: string;
  /** A digest of what all of them should have in common of their configurations. */
  readonly configuration: string;
  readonly since: string;
  /** By how many milliseconds its clock is ahead of the database's. */
  readonly clock_skew: number;
  /** False where it has stopped without saying so. */
  readonly lives: boolean;
  readonly routes: readonly string[];
  /** As it has said last. A daemon of the version before says nothing of them. */
  readonly brokers?: readonly LinkStatus[];
}

/** A clock in doubt: nothing is removed for its age. */
interface ClockStatus {
  readonly last_sign_of_life: string;
  /** Seconds of running after which it is believed all the same. */
  readonly believed_in: number;
}

interface PauseStatus {
  readonly since: string;
  /** Null over HTTP, where anybody may ask. */
  readonly by: string | null;
}

interface FormerRoute extends Omit<RouteSummary, 'paused' | 'state'> {
  readonly paused: PauseStatus | null;
}

type Known = { readonly [Key in Exclude<keyof FormerRoute, 'name'>]: FormerRoute[Key] | null };

export interface RouteStatus extends Known {
  readonly name: string;
  readonly sink: string;
  /** Null where the journal can't be asked. */
  readonly delivered: Delivered | null;
  /** Null where no daemon runs it, as what follows. */
  readonly in_flight: number | null;
  /** Notifications that its condition (`where`) could not be evaluated for, since the route was started. */
  readonly condition_failures: number | null;
  /** Where it fails on everything: on how many in a row, when the first of them came in, and why the last one failed. */
  readonly condition_trouble: { readonly failures: number; readonly since: string; readonly reason: string } | null;
  /** Why it can't read or write its journal. */
  readonly interrupted: string | null;
  readonly circuit: CircuitStatus | null;
  /** How many accounts the sink refuses again and again, while it takes what belongs to others; null where no daemon runs. */
  readonly refused_accounts: number | null;
}

interface CircuitStatus {
  readonly state: 'closed' | 'open' | 'probing';
  /** Since when it is closed, or isn't. */
  readonly since: string;
  readonly reason: string | null;
  /** What the sink answered, as an HTTP status or an SQLSTATE, or the system in its place, where that has a code. */
  readonly code: number | string | null;
  /** Seconds until the next probe. */
  readonly next_probe: number | null;
}

/** The state of a running daemon that isn't in the journal. */
export interface Live {
  readonly startedAt: number;
  readonly brokers: readonly BrokerStatus[];
  readonly http: HttpStatus | null;
  /** The journal's own report of a fault. */
  readonly journalProblem: string | null;
  readonly degraded: Degraded | null;
  readonly doubt: ClockDoubt | null;
  readonly activityOf: (route: string) => Activity | undefined;
}

export interface Activity extends RouteState {
  readonly paused: Pause | null;
}

/** The parts of a configuration that a status names. */
interface Named {
  readonly file: string | null;
  /** Of the daemon. */
  readonly name: string;
  readonly journal: Place & { readonly maxSize: number; readonly invalidShare: number };
  /** By their names in the journal. */
  readonly routes: readonly { readonly name: string; readonly sink: { readonly type: string } }[];
}

interface Place {
  readonly path?: string | undefined;
  readonly database?: string | undefined;
}

/**
 * Combines the content of the journal with the state of the daemon, if one runs.
 * @param held the content of the journal, or why it can't be read
 * @param delivered by route; null if the journal can't be asked
 */
export function statusOf(
  config: Named,
  held: Summary | string,
  live: Live | null,
  delivered: ReadonlyMap<string, Delivered> | null,
): Status {
  const names = new Set(config.routes.map(({ name }) => name));
  const summary = typeof held === 'string' ? null : held;
  const known = new Map(summary?.routes.map((route) => [route.name, withPause(route)]));
  const elsewhere = new Map(summary?.routes.map(({ name, state }) => [name, state]));
  return {
    running: live !== null,
    pid: live === null ? null : process.pid,
    startedAt: isoTime(live?.startedAt ?? null),
    version,
    config: config.file,
    brokers: live?.brokers ?? null,
    http: live?.http ?? null,
    journal: {
      path: config.journal.path,
      database: config.journal.database,
      degraded: degradedOf(live?.degraded ?? null),
      bytes: summary?.bytes ?? null,
      used_bytes: summary?.usedBytes ?? null,
      max_bytes: config.journal.maxSize,
      messages: summary?.messages ?? null,
      oldest: isoTime(summary?.oldest ?? null),
      newest: isoTime(summary?.newest ?? null),
      undecodable: summary?.undecodable ?? null,
      unseen_undecodable: summary?.unseenUndecodable ?? null,
      looked_at: isoTime(summary?.lookedAt ?? null),
      invalid_bytes: summary?.invalidBytes ?? null,
      max_invalid_bytes: config.journal.maxSize * config.journal.invalidShare,
      evicted: summary === null ? null : { ...summary.evicted, since: isoTime(summary.evicted.since) },
      // Why the database is away stands with that.
      reason: live?.journalProblem ?? (typeof held === 'string' && live?.degraded?.state !== 'away' ? held : null),
    },
    daemons:
      summary?.daemons.map(({ since, skew, links, ...daemon }) => ({
        ...daemon,
        brokers: links.map((link) => ({ ...link, since: new Date(link.since).toISOString() })),
        asked: daemon.name === config.name,
        since: new Date(since).toISOString(),
        clock_skew: Math.round(skew),
      })) ?? [],
    clock: clockOf(live?.doubt ?? null),
    routes: config.routes.map(({ name, sink }) => {
      const activity = live?.activityOf(name) ?? elsewhere.get(name) ?? undefined;
      return {
        ...(known.get(name) ?? (summary === null ? unknown : newRoute)),
        name,
        sink: sink.type,
        delivered: delivered && (delivered.get(name) ?? nothing),
        in_flight: activity?.inFlight ?? null,
        condition_failures: activity?.conditionFailures ?? null,
        condition_trouble: conditionTroubleOf(activity),
        interrupted: activity?.interrupted ?? null,
        circuit: circuitOf(activity),
        refused_accounts: activity?.refusedAccounts ?? null,
      };
    }),
    former_routes: summary?.routes.filter(({ name }) => !names.has(name)).map(withPause) ?? [],
  };
}

function withPause({ paused, state: _, ...route }: RouteSummary): FormerRoute {
  return { ...route, paused: paused && { since: new Date(paused.at).toISOString(), by: paused.who } };
}

/** The same for whoever may ask over HTTP: of what brokers and sinks have answered the codes alone, nothing that notifications hold, and of nobody the name. */
export function withoutAnswers(status: Status): Status {
  const withoutName = <T extends { readonly paused: PauseStatus | null }>(route: T): T => ({
    ...route,
    paused: route.paused && { ...route.paused, by: null },
  });
  const routes = status.routes.map(({ circuit, condition_trouble, ...route }) => ({
    ...withoutName(route),
    circuit: circuit && withoutAnswer(circuit, 'the sink is away'),
    // It may quote what a notification holds.
    condition_trouble: condition_trouble && { ...condition_trouble, reason: `it fails; ${seeCommand}` },
  }));
  const brokers = status.brokers && withoutBrokersAnswers(status.brokers);
  const daemons = status.daemons.map((daemon) => ({ ...daemon, brokers: withoutBrokersAnswers(daemon.brokers ?? []) }));
  const { degraded } = status.journal;
  const journal = { ...status.journal, degraded: degraded && withoutReason(degraded) };
  return { ...status, brokers, daemons, journal, routes, former_routes: status.former_routes.map(withoutName) };
}

/** Nor what the database has answered. */
export function withoutReason<T extends { readonly reason: string }>(degraded: T): T {
  return { ...degraded, reason: 'the command "status" says why' };
}

/** The reasons for waiting during a connection are texts of this program, not the broker's. */
export function withoutBrokersAnswers<T extends LinkStatus>(brokers: readonly T[]): T[] {
  return brokers.map((broker) => (broker.state === 'away' ? withoutAnswer(broker, 'no intake') : broker));
}

function withoutAnswer<T extends Pick<CircuitStatus, 'reason' | 'code'>>(one: T, what: string): T {
  if (one.reason === null) return one;
  const code = one.code === null ? '' : ` (${one.code})`;
  return { ...one, reason: `${what}${code}; ${seeCommand}` };
}

const seeCommand = 'the command "status" says why';

const nothing: Delivered = { last_hour: 0, today: 0, latest: null };

/** A route that the journal doesn't know yet, and one of which it can't be asked. */
const none = { waiting: 0, collecting: 0, quarantined: 0, dead: 0, unseen: 0, paused: null, holder: null };
const newRoute: Known = { ...none, cursor: 0, lag: { messages: 0, seconds: 0 } };
const unknown: Known = {
  ...{ cursor: null, lag: null, waiting: null, collecting: null, quarantined: null, dead: null },
  ...{ unseen: null, paused: null, holder: null },
};

function clockOf(doubt: ClockDoubt | null): ClockStatus | null {
  if (doubt === null) return null;
  const { lastSign, believedIn } = doubt;
  return { last_sign_of_life: new Date(lastSign).toISOString(), believed_in: Math.ceil(believedIn / 1_000) };
}

function degradedOf(degraded: Degraded | null): DegradedStatus | null {
  return degraded && { ...degraded, since: new Date(degraded.since).toISOString() };
}

function conditionTroubleOf({ conditionTrouble = null }: Partial<RouteState> = {}): RouteStatus['condition_trouble'] {
  if (conditionTrouble === null) return null;
  const { count, since, reason } = conditionTrouble;
  return { failures: count, since: new Date(since).toISOString(), reason };
}

function circuitOf(activity: RouteState | undefined): CircuitStatus | null {
  if (activity === undefined) return null;
  const { circuit: state, circuitSince, trouble, probeIn } = activity;
  const since = new Date(circuitSince).toISOString();
  const { reason = null, code = null } = trouble ?? {};
  return { state, since, reason, code, next_probe: state === 'open' ? Math.ceil(probeIn / 1_000) : null };
}

function isoTime(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
