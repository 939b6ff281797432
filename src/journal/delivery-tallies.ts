import { type CountSpan, countSpans, type DeliveryCount } from './reader.ts';
import type { DeliveredRun } from './route-session.ts';

/** How many spans of each length are kept: the last hour by minutes, two days by hours, a year by days. */
const kept: Readonly<Record<CountSpan, number>> = { minute: 60, hour: 48, day: 400 };

/** Of a route, as many events are counted by their names; the others as one. A broker may make up names without end. */
const mostEvents = 200;
const otherEvents = 'other';

interface Tally {
  delivered: number;
  dead: number;
  quarantined: number;
  last: number | null;
}

/** What was counted in a minute, as its start: by route, and by event. */
interface Counted {
  readonly minute: number;
  readonly routes: Map<string, Map<string, Tally>>;
}

/**
 * How many deliveries of each route and event came to which end. They are added up in memory, for a store to write once a
 * minute: after a crash, the last minute's are missing.
 */
export class DeliveryTallies {
  /** What is being counted; and what a write has begun with, which may fail. */
  #counting: Counted | null = null;
  #writing: Counted[] = [];
  #isClosing = false;
  readonly #names = new Map<string, Set<string>>();

  /** @param known the names that the store has counts of */
  constructor(known: Iterable<Pick<DeliveryCount, 'route' | 'event'>>) {
    for (const { route, event } of known) this.#namesOf(route).add(event);
  }

  /** A busy route has some of these with each commit, of dozens of events. */
  addRun(route: string, { events }: DeliveredRun): void {
    const last = Date.now();
    const tallies = this.#talliesOf(route, last);
    for (const [event, count] of events) {
      const tally = tallies.get(event) ?? this.#begin(route, tallies, event);
      tally.delivered += count;
      tally.last = last;
    }
  }

  add(route: string, event: string | null, end: 'delivered' | 'dead' | 'quarantined'): void {
    const now = Date.now();
    const tallies = this.#talliesOf(route, now);
    const tally = tallies.get(event ?? '') ?? this.#begin(route, tallies, event ?? '');
    tally[end] += 1;
    if (end === 'delivered') tally.last = now;
  }

  get isDue(): boolean {
    if (this.#writing.length > 0) return true;
    if (this.#counting === null) return false;
    return this.#isClosing || this.#counting.minute !== startOf(Date.now(), countSpans.minute);
  }

  /** What is to be written, by minutes: also what was when that failed. Until it is written, it is among what is pending. */
  toWrite(): DeliveryCount[] {
    if (this.#counting !== null) this.#writing.push(this.#counting);
    this.#counting = null;
    return this.#writing.flatMap(rowsOf);
  }

  /** What `toWrite` gave last is written. */
  written(): void {
    this.#writing = [];
  }

  /** What is counted is due from now on, whatever the time. */
  closing(): void {
    this.#isClosing = true;
  }

  /** What isn't written yet, as it will be counted in spans of that length. */
  pending(per: CountSpan, since: number): DeliveryCount[] {
    const span = countSpans[per];
    const all = this.#counting === null ? this.#writing : [...this.#writing, this.#counting];
    return all
      .flatMap(rowsOf)
      .map((row) => ({ ...row, start: startOf(row.start, span) }))
      .filter(({ start }) => start >= startOf(since, span));
  }

  #talliesOf(route: string, now: number): Map<string, Tally> {
    this.#counting ??= { minute: startOf(now, countSpans.minute), routes: new Map() };
    let events = this.#counting.routes.get(route);
    if (events === undefined) {
      events = new Map();
      this.#counting.routes.set(route, events);
    }
    return events;
  }

  /** The tally of an event that has none by its name: another one has it where there are too many. */
  #begin(route: string, tallies: Map<string, Tally>, event: string): Tally {
    const name = this.#nameOf(route, event);
    let tally = tallies.get(name);
    if (tally === undefined) {
      tally = { delivered: 0, dead: 0, quarantined: 0, last: null };
      tallies.set(name, tally);
    }
    return tally;
  }

  #nameOf(route: string, event: string): string {
    const names = this.#namesOf(route);
    if (names.has(event)) return event;
    if (names.size >= mostEvents) return otherEvents;
    names.add(event);
    return event;
  }

  #namesOf(route: string): Set<string> {
    let names = this.#names.get(route);
    if (names === undefined) {
      names = new Set();
      this.#names.set(route, names);
    }
    return names;
  }
}

function rowsOf({ minute, routes }: Counted): DeliveryCount[] {
  return [...routes].flatMap(([route, events]) =>
    [...events].map(([event, tally]) => ({ start: minute, route, event, ...tally })),
  );
}

/** The oldest start that is kept of each length of span, as milliseconds. */
export function keptSince(now: number): { readonly span: number; readonly start: number }[] {
  return Object.entries(countSpans).map(([name, span]) => ({
    span,
    start: startOf(now, span) - (kept[name as CountSpan] - 1) * span, // its own keys
  }));
}

/** The same with what isn't written yet. */
export function countsWith(written: readonly DeliveryCount[], pending: readonly DeliveryCount[]): DeliveryCount[] {
  const all = new Map<string, DeliveryCount>();
  for (const row of [...written, ...pending]) {
    const key = JSON.stringify([row.start, row.route, row.event]);
    const before = all.get(key);
    all.set(key, before === undefined ? row : sumOf(before, row));
  }
  return [...all.values()];
}

function sumOf(one: DeliveryCount, other: DeliveryCount): DeliveryCount {
  return {
    ...one,
    delivered: one.delivered + other.delivered,
    dead: one.dead + other.dead,
    quarantined: one.quarantined + other.quarantined,
    last: other.last ?? one.last,
  };
}

/** Of the span in which a time is. */
export function startOf(time: number, span: number): number {
  return time - (time % span);
}
