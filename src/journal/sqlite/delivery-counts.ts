import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../journal.ts';
import { type CountSpan, countSpans, type DeliveryCount } from '../reader.ts';
import type { DeliveredRun } from '../route-session.ts';
import type { Companion } from './companion.ts';

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

/**
 * How many deliveries of each route and event came to which end. They are added up in memory, and written once a minute
 * with what is written anyway: after a crash, the last minute's are missing.
 */
export class DeliveryCounts implements Companion {
  readonly #clock: Clock;
  readonly #add: StatementSync;
  readonly #drop: StatementSync;
  /** The minute that is being counted, as its start; and its routes and their events. */
  #minute = 0;
  #tallies = new Map<string, Map<string, Tally>>();
  #isClosing = false;
  readonly #names = new Map<string, Set<string>>();

  constructor(database: DatabaseSync, clock: Clock) {
    this.#clock = clock;
    this.#add = database.prepare(`
      INSERT INTO delivery_counts (span, start, route, event, delivered, dead, quarantined, last)
      VALUES (?1, ?2 - ?2 % ?1, ?3, ?4, ?5, ?6, ?7, ?8)
      ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered, dead = dead + excluded.dead,
        quarantined = quarantined + excluded.quarantined, last = coalesce(max(last, excluded.last), excluded.last, last)`);
    this.#drop = database.prepare('DELETE FROM delivery_counts WHERE span = ? AND start < ?');
    for (const { route, event } of database.prepare('SELECT DISTINCT route, event FROM delivery_counts').all())
      this.#namesOf(String(route)).add(String(event));
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
    if (this.#tallies.size === 0) return false;
    return this.#isClosing || this.#minute !== startOf(Date.now(), countSpans.minute);
  }

  write(): void {
    for (const row of this.#pending()) {
      const { route, event, delivered, dead, quarantined, last } = row;
      for (const span of Object.values(countSpans))
        this.#add.run(span, this.#minute, route, event, delivered, dead, quarantined, last);
    }
    // A clock that is set forward would make all of them old.
    if (!this.#clock.isTrusted) return;
    for (const [name, span] of spans) this.#drop.run(span, startOf(Date.now(), span) - (kept[name] - 1) * span);
  }

  written(): void {
    this.#tallies = new Map();
  }

  /** What is counted is due from now on, whatever the time. */
  closing(): void {
    this.#isClosing = true;
  }

  /** What isn't written yet, as it will be counted in spans of that length. */
  pending(per: CountSpan, since: number): DeliveryCount[] {
    const start = startOf(this.#minute, countSpans[per]);
    if (start < startOf(since, countSpans[per])) return [];
    return this.#pending().map((row) => ({ ...row, start }));
  }

  #pending(): Omit<DeliveryCount, 'start'>[] {
    return [...this.#tallies].flatMap(([route, events]) =>
      [...events].map(([event, tally]) => ({ route, event, ...tally })),
    );
  }

  #talliesOf(route: string, now: number): Map<string, Tally> {
    if (this.#tallies.size === 0) this.#minute = startOf(now, countSpans.minute);
    let events = this.#tallies.get(route);
    if (events === undefined) {
      events = new Map();
      this.#tallies.set(route, events);
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

/** What is written, from a time on, oldest first. */
export function countsIn(database: DatabaseSync, per: CountSpan, since: number): DeliveryCount[] {
  const span = countSpans[per];
  return database
    .prepare('SELECT * FROM delivery_counts WHERE span = ? AND start >= ? ORDER BY start, route, event')
    .all(span, startOf(since, span))
    .map((row) => ({
      start: Number(row.start),
      route: String(row.route),
      event: String(row.event),
      delivered: Number(row.delivered),
      dead: Number(row.dead),
      quarantined: Number(row.quarantined),
      last: row.last === null ? null : Number(row.last),
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

const spans = Object.entries(countSpans) as [CountSpan, number][]; // its own keys

function startOf(time: number, span: number): number {
  return time - (time % span);
}
