import { readHours } from '../common/text/hours.ts';
import { globToRegExp } from '../common/text/patterns.ts';
import type { Expectation } from '../config/config.ts';
import type { Summary } from '../journal/reader.ts';
import { eventNamed } from '../kazoo/catalogue.ts';
import type { OwnEvent } from '../kazoo/relay-notification.ts';
import type { BrokerSnapshot, RouteSnapshot } from '../ops/runtime-snapshot.ts';
import { type Awaited, type Past, Silence } from './silence.ts';

/** What the daemon looks at, of itself. */
export interface Look {
  readonly brokers: readonly BrokerSnapshot[];
  readonly routes: readonly (RouteSnapshot & { readonly sink: string })[];
  readonly expected: readonly Expectation[];
  /** Undefined where the journal wasn't read this time. */
  readonly summary: Pick<Summary, 'routes' | 'drift'> | undefined;
}

/** A change between away and back is reported when it has lasted for this time, in milliseconds. */
export const steadyFor = 60_000;

/** The least time between two reports of a count that only grows. */
export const atMostEvery = 600_000;

/** From a broker that has delivered nothing for so long, nothing comes. */
export const silentAfter = 86_400_000;

/** Kinds of drift that one event names. */
const mostKinds = 20;

/**
 * Finds what there is to tell from one look at the daemon to the next. Times are milliseconds: `monotonic` of a clock that
 * nobody sets, `now` of Unix.
 */
export class SelfWatch {
  readonly #states = new Map<string, State>();
  readonly #growths = new Map<string, Growth>();
  readonly #silences = new Map<string, Silence>();
  /** Kinds of drift that were told; undefined before the first look. */
  #told: Set<string> | undefined;
  #driftToldAt = Number.NEGATIVE_INFINITY;

  /** Those that don't come, as of the last look. */
  overdue: readonly Expectation[] = [];

  /** What it will watch for the first time at this look, by its name: whoever knows of its past may say so before. */
  newIn({ brokers, expected }: Pick<Look, 'brokers' | 'expected'>): [string, Awaited][] {
    const all = [
      ...brokers.map((broker): [string, Awaited] => [nameOfBroker(broker), awaitedFrom(broker)]),
      ...expected.map((one): [string, Awaited] => [JSON.stringify(one), awaitedBy(one)]),
    ];
    return all.filter(([name]) => !this.#silences.has(name));
  }

  recall(name: string, past: Past): void {
    this.#silences.set(name, new Silence(past));
  }

  look({ brokers, routes, expected, summary }: Look, monotonic: number, now: number): OwnEvent[] {
    this.overdue = [];
    return [
      ...brokers.flatMap((broker) => this.#ofBroker(broker, monotonic, now)),
      ...expected.flatMap((one) => this.#ofExpected(one, brokers, monotonic, now)),
      ...routes.flatMap((route) => this.#ofRoute(route, monotonic, now)),
      ...(summary === undefined ? [] : this.#ofJournal(summary, routes, monotonic)),
    ];
  }

  #ofBroker(snapshot: BrokerSnapshot, monotonic: number, now: number): OwnEvent[] {
    const { broker, zone, state, reason, received } = snapshot;
    const place = { broker, zone };
    const name = nameOfBroker(snapshot);
    const told: OwnEvent[] = [];
    const change = this.#state(name).look(state !== 'consuming', monotonic, now);
    if (change?.isAway) {
      const why = reason === null ? '' : `: ${reason}`;
      const message = `Nothing comes from ${name}${why}`;
      told.push({
        event: 'relay_broker_away',
        data: { ...place, ...reasonIn(reason), since: iso(change.since), message },
      });
    } else if (change !== null) {
      const data = {
        ...place,
        since: iso(change.since),
        seconds: change.seconds,
        message: `T${name.slice(1)} is back`,
      };
      told.push({ event: 'relay_broker_back', data });
    }
    const silence = this.#silence(name).look(received, state === 'consuming', silentAfter, monotonic, now);
    if (silence !== null) {
      const message = `Nothing has come from ${name} since ${iso(silence)}: does any KAZOO node publish there?`;
      told.push({ event: 'relay_nothing_comes', data: { ...place, since: iso(silence), message } });
    }
    return told;
  }

  #ofExpected(expected: Expectation, brokers: Look['brokers'], monotonic: number, now: number): OwnEvent[] {
    const { event, within, zone, hours } = expected;
    const silence = this.#silence(JSON.stringify(expected));
    const isCounted = hours === undefined || readHours(hours)?.(now) === true;
    const since = silence.look(arrivalsOf(expected, brokers), isCounted, within, monotonic, now);
    if (silence.isTold) this.overdue = [...this.overdue, expected];
    if (since === null) return [];
    const place = zone === undefined ? '' : ` in the zone ${zone}`;
    const message = `No ${event} has come${place} since ${iso(since)}`;
    const data = { event, ...(zone !== undefined && { zone }), since: iso(since), message };
    return [{ event: 'relay_nothing_comes', data }];
  }

  #ofRoute({ name, sink, activity, counts }: Look['routes'][number], monotonic: number, now: number): OwnEvent[] {
    const about = { route: name, sink };
    const told: OwnEvent[] = [];
    const change = this.#state(`route ${name}`).look(activity.circuit !== 'closed', monotonic, now);
    if (change?.isAway) {
      const reason = activity.trouble?.reason ?? null;
      const why = reason === null ? '' : `: ${reason}`;
      const message = `The sink of the route ${name} is away${why}. Its notifications wait in the journal`;
      told.push({
        event: 'relay_sink_away',
        data: { ...about, ...reasonIn(reason), since: iso(change.since), message },
      });
    } else if (change !== null) {
      const message = `The sink of the route ${name} is back`;
      const data = { ...about, since: iso(change.since), seconds: change.seconds, message };
      told.push({ event: 'relay_sink_back', data });
    }
    const count = this.#growth(`dead ${name}`, 0).look(counts.dead, monotonic);
    if (count > 0) {
      const message = `The route ${name} has ${count} new dead letters: kazoo-relay dead list --group --route ${name}`;
      told.push({ event: 'relay_dead_letters', data: { ...about, count, message } });
    }
    return told;
  }

  #ofJournal(summary: NonNullable<Look['summary']>, routes: Look['routes'], monotonic: number): OwnEvent[] {
    const told: OwnEvent[] = [];
    const names = new Set(routes.map(({ name }) => name));
    for (const { name, quarantined: total } of summary.routes) {
      if (!names.has(name)) continue;
      const count = this.#growth(`quarantined ${name}`, total).look(total, monotonic);
      if (count === 0) continue;
      const message = `${count} more notifications are quarantined for the route ${name}: kazoo-relay drift`;
      told.push({ event: 'relay_quarantine_grows', data: { route: name, count, total, message } });
    }
    return [...told, ...this.#ofDrift(summary.drift, monotonic)];
  }

  /** Kinds that were known at the first look were reported before. */
  #ofDrift(drift: Summary['drift'], monotonic: number): OwnEvent[] {
    const told = this.#told ?? new Set(drift.map(nameOf));
    const fresh = drift.filter((kind) => !told.has(nameOf(kind)));
    this.#told = told;
    if (fresh.length === 0 || monotonic - this.#driftToldAt < atMostEvery) return [];
    this.#told = new Set(drift.map(nameOf));
    this.#driftToldAt = monotonic;
    return [...Map.groupBy(fresh, (kind) => (kind.known ? kind.event : ''))].map(([event, kinds]) => ({
      event: 'relay_drift',
      data: {
        event,
        kinds: kinds.slice(0, mostKinds).map((kind) => `${kind.known ? '' : kind.event}${kind.path} ${kind.keyword}`),
        count: kinds.length,
        example: kinds[0]?.example,
        message: `KAZOO sends ${event || 'unknown events'} in a new way: kazoo-relay drift`,
      },
    }));
  }

  #state(name: string): State {
    return obtain(this.#states, name, () => new State());
  }

  #growth(name: string, from: number): Growth {
    return obtain(this.#growths, name, () => new Growth(from));
  }

  #silence(name: string): Silence {
    return obtain(this.#silences, name, () => new Silence());
  }
}

/** What may be away. */
class State {
  #isAway = false;
  /** When it changed to a state that isn't reported yet. */
  #changed: { readonly monotonic: number; readonly now: number } | undefined;
  #since = { monotonic: 0, now: 0 };

  /** Null while there is nothing to tell. `since` is when it went away, in Unix milliseconds. */
  look(isAway: boolean, monotonic: number, now: number): { isAway: boolean; since: number; seconds: number } | null {
    if (isAway === this.#isAway) this.#changed = undefined;
    else this.#changed ??= { monotonic, now };
    if (this.#changed === undefined || monotonic - this.#changed.monotonic < steadyFor) return null;
    const changed = this.#changed;
    this.#changed = undefined;
    this.#isAway = isAway;
    if (isAway) this.#since = changed;
    const seconds = Math.round((changed.monotonic - this.#since.monotonic) / 1_000);
    return { isAway, since: this.#since.now, seconds };
  }
}

/** A count that only grows until somebody resets it. */
class Growth {
  #told: number;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(from: number) {
    this.#told = from;
  }

  /** By how much it has grown; 0 while there is nothing to tell. */
  look(count: number, monotonic: number): number {
    this.#told = Math.min(this.#told, count);
    const grown = count - this.#told;
    if (grown === 0 || monotonic - this.#toldAt < atMostEvery) return 0;
    this.#told = count;
    this.#toldAt = monotonic;
    return grown;
  }
}

function nameOfBroker({ broker, zone }: Pick<BrokerSnapshot, 'broker' | 'zone'>): string {
  return `the broker ${broker} (zone ${zone})`;
}

/** Entries don't say from which broker of a zone they are: the silence is that of the zone, at least. */
function awaitedFrom({ broker, zone }: BrokerSnapshot): Awaited {
  return {
    ...{ zone, within: silentAfter, isOne: () => true, isCounted: () => true },
    countsIn: (outage) => outage.broker !== '' && !(outage.broker === broker && outage.zone === zone),
    isTold: (data) => 'broker' in data && data.broker === broker && 'zone' in data && data.zone === zone,
  };
}

function awaitedBy({ event, within, zone, hours }: Expectation): Awaited {
  const isHour = hours === undefined ? undefined : readHours(hours);
  return {
    ...{ events: [wantedEvent(event)], zone, within },
    isOne: ({ state, resendOf, header }) => state !== 'undecodable' && resendOf === null && !header.preview,
    isCounted: (time) => isHour?.(time) ?? true,
    countsIn: (outage) => outage.broker !== '',
    isTold: (data) =>
      'event' in data &&
      data.event === event &&
      ('zone' in data ? data.zone : undefined) === zone &&
      !('broker' in data),
  };
}

/** How many of an expected event have come: no resends, no duplicates, no previews. */
function arrivalsOf({ event, zone }: Expectation, brokers: Look['brokers']): number {
  const pattern = globToRegExp(wantedEvent(event));
  let arrivals = 0;
  for (const { intake, ...broker } of brokers) {
    if (zone !== undefined && broker.zone !== zone) continue;
    for (const [name, counts] of intake.byEvent)
      if (pattern.test(name))
        for (const outcome of ['valid', 'invalid']) arrivals += counts[intake.outcomes.indexOf(outcome)] ?? 0;
  }
  return arrivals;
}

function wantedEvent(event: string): string {
  return eventNamed(event)?.name ?? event;
}

function obtain<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name) ?? make();
  map.set(name, known);
  return known;
}

function nameOf({ event, path, keyword }: Summary['drift'][number]): string {
  return JSON.stringify([event, path, keyword]);
}

function reasonIn(reason: string | null): { reason?: string } {
  return reason === null ? {} : { reason };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
