import pino from 'pino';
import type { Queryable } from '../../../../src/journal/postgres/connection.ts';
import { StoreAway } from '../../../../src/journal/postgres/failure.ts';
import { Lease, type LeaseClock } from '../../../../src/journal/postgres/lease.ts';

/** What goes wrong with one daemon, from a time on and for so long. Milliseconds. */
export interface Trouble {
  readonly who: number;
  readonly what: 'stopped' | 'slow to the database' | 'slow from the database' | 'cut off';
  readonly at: number;
  readonly for: number;
}

export interface LeaseWorldOptions {
  readonly daemons: number;
  readonly routes: number;
  /** How fast each one's clock is, beside the database's. */
  readonly rates: readonly number[];
  readonly troubles: readonly Trouble[];
  /** Random numbers from 0 up to 1. */
  readonly random: () => number;
  /** For how long all is well at the end, in milliseconds. */
  readonly calm: number;
  /** A clock that isn't as a lease needs it. */
  readonly standsStill?: boolean;
}

export interface Outcome {
  /** What a daemon did though another one had the route. */
  readonly faults: readonly string[];
  /** How many deliveries there were, and how many take-overs. */
  readonly deliveries: number;
  readonly epochs: number;
  /** At the end, when all has been well for a while: which daemon has how many routes in the database, and by itself. */
  readonly owned: readonly number[];
  readonly held: readonly number[];
}

/** How long a call may take, in milliseconds. */
const callWithin = 1_000;

/**
 * Daemons with the real lease, in a time that passes as fast as it can: the database and the network are played, the
 * database in steps of whole functions, as functions.test.ts shows them to be.
 */
export async function playLeases(options: LeaseWorldOptions): Promise<Outcome> {
  const time = new Time();
  const database = new FakeDatabase(time);
  const daemons = Array.from({ length: options.daemons }, (_, who) => new Daemon(who, options, time, database));
  const routes = Array.from({ length: options.routes }, (_, index) => `r${index}`);
  for (const route of routes) database.routes.set(route, { holder: null, epoch: 0 });
  for (const daemon of daemons) void daemon.run(routes);
  const end = Math.max(0, ...options.troubles.map(({ at, for: duration }) => at + duration)) + options.calm;
  await time.passUntil(end);
  return {
    faults: daemons.flatMap(({ faults }) => faults),
    deliveries: daemons.reduce((sum, { deliveries }) => sum + deliveries, 0),
    epochs: [...database.routes.values()].reduce((sum, { epoch }) => sum + epoch, 0),
    owned: daemons.map(({ name }) => [...database.routes.values()].filter(({ holder }) => holder === name).length),
    held: daemons.map(({ sessions }) => sessions.size),
  };
}

/** By the database's clock. */
class Time {
  now = 0;
  readonly #events = new Set<Event>();

  /** @param settles whether promises may follow from it */
  at(at: number, run: () => void, settles = true): { cancel(): void } {
    const event = { at: Math.max(at, this.now), run, settles };
    this.#events.add(event);
    return { cancel: () => this.#events.delete(event) };
  }

  async passUntil(end: number): Promise<void> {
    for (;;) {
      let next: Event | undefined;
      for (const event of this.#events) if (next === undefined || event.at < next.at) next = event;
      if (next === undefined || next.at > end) return;
      this.#events.delete(next);
      this.now = next.at;
      next.run();
      // What follows from it by promises alone takes no time.
      if (next.settles) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

interface Event {
  readonly at: number;
  readonly run: () => void;
  readonly settles: boolean;
}

class FakeDatabase {
  readonly routes = new Map<string, { holder: string | null; epoch: number }>();
  readonly #leases = new Map<string, number>();
  readonly #time: Time;

  constructor(time: Time) {
    this.#time = time;
  }

  call(text: string, values: readonly unknown[]): object[] {
    const [, name = ''] = /(\w+)\(\$1/.exec(text) ?? [];
    const [holder, second, third] = values as [string, never, never];
    if (name === 'beat') return this.#beat(holder, second);
    if (name === 'claim') return this.#claim(holder, second, third);
    if (name === 'release') return this.#release(holder, second, third);
    if (name === 'leave') return [];
    // Which of these routes are free.
    const asked: readonly string[] = values[0] as never;
    return asked.filter((route) => this.#isFree(route)).map((route) => ({ route }));
  }

  isAlive(holder: string): boolean {
    return (this.#leases.get(holder) ?? 0) > this.#time.now;
  }

  #isFree(route: string): boolean {
    const holder = this.routes.get(route)?.holder ?? null;
    return holder === null || !this.isAlive(holder);
  }

  #beat(holder: string, ttl: number): object[] {
    this.#leases.set(holder, Math.max(this.#leases.get(holder) ?? 0, this.#time.now + ttl));
    const own = [...this.routes].filter(([, route]) => route.holder === holder);
    const living = [...this.#leases.keys()].filter((name) => this.isAlive(name)).length;
    const wanted = Object.fromEntries([...this.routes.keys()].map((route) => [route, living]));
    const [routes, epochs] = [own.map(([route]) => route), own.map(([, { epoch }]) => epoch)];
    return [{ routes, epochs, living, now: this.#time.now, wanted }];
  }

  #claim(holder: string, routes: readonly string[], most: number): object[] {
    if (!this.isAlive(holder)) return [];
    return routes
      .filter((route) => this.#isFree(route))
      .slice(0, most)
      .map((route) => {
        const epoch = (this.routes.get(route)?.epoch ?? 0) + 1;
        this.routes.set(route, { holder, epoch });
        return { route, epoch, cursor: 0, ahead: [], head: 0 };
      });
  }

  #release(holder: string, route: string, epoch: number): object[] {
    const found = this.routes.get(route);
    if (found?.holder === holder && found.epoch === epoch) found.holder = null;
    return [];
  }
}

/** A daemon, which delivers for each of its routes whenever it can. */
class Daemon implements Queryable {
  readonly name: string;
  readonly faults: string[] = [];
  readonly sessions = new Map<string, number>();
  deliveries = 0;
  readonly #who: number;
  readonly #options: LeaseWorldOptions;
  readonly #time: Time;
  readonly #database: FakeDatabase;
  readonly #lease: Lease;
  /** What came while it was stopped: of these, answers come first when it goes on, and timers after them. */
  readonly #late: { readonly isTimer: boolean; readonly run: () => void }[] = [];
  #stoodStill = 0;

  constructor(who: number, options: LeaseWorldOptions, time: Time, database: FakeDatabase) {
    this.name = `d${who}`;
    this.#who = who;
    this.#options = options;
    this.#time = time;
    this.#database = database;
    const rate = options.rates[who] ?? 1;
    const elapsed = () => (time.now - this.#stoodStill) * rate;
    const clock: LeaseClock = {
      now: () => time.now + 1_000_000,
      elapsed,
      after: (delay, call) => time.at(time.now + Math.max(0, delay) / rate, () => this.#wake(true, call)),
    };
    this.#lease = new Lease(this, this.name, pino({ level: 'silent' }), clock);
    for (const { what, at, for: duration } of options.troubles.filter((trouble) => trouble.who === who))
      if (what === 'stopped') time.at(at + duration, () => this.#goOn(duration));
  }

  async run(routes: readonly string[]): Promise<void> {
    // A daemon tries to open its journal until it can.
    for (let isOpen = false; !isOpen; ) {
      isOpen = await this.#lease.open().then(
        () => true,
        () => false,
      );
    }
    for (const route of routes) void this.#want(route);
    this.#deliverEach(50);
  }

  /** @throws StoreAway */
  query<T extends object>(text: string, values: readonly unknown[] = []): Promise<readonly T[]> {
    const { random } = this.#options;
    const answer = Promise.withResolvers<readonly T[]>();
    const { now } = this.#time;
    const there = now + 1 + random() * 5 + (this.#suffers('slow to the database') ? random() * 6_000 : 0);
    const isCut = this.#suffers('cut off');
    // Of a link that is cut, one end may have sent something before.
    if (!isCut || random() < 0.3)
      this.#time.at(there, () => {
        const rows = structuredClone(this.#database.call(text, values)) as T[];
        const back = 1 + random() * 5 + (this.#suffers('slow from the database') ? random() * 6_000 : 0);
        if (!isCut) this.#time.at(this.#time.now + back, () => this.#wake(false, () => answer.resolve(rows)));
      });
    this.#time.at(now + callWithin, () => this.#wake(true, () => answer.reject(new StoreAway('no answer'))));
    return answer.promise;
  }

  async #want(route: string): Promise<void> {
    for (;;) {
      let over: () => void = () => undefined;
      const ended = new Promise<void>((resolve) => {
        over = resolve;
      });
      const { epoch } = await this.#lease.claim(route, (claimed) => {
        this.sessions.set(route, claimed.epoch);
        return {
          lose: () => {
            this.sessions.delete(route);
            over();
          },
          recall: () => {
            this.sessions.delete(route);
            over();
          },
        };
      });
      await ended;
      await this.#lease.release(route, epoch).catch(() => undefined);
    }
  }

  #deliverEach(milliseconds: number): void {
    const deliver = () => {
      if (!this.#suffers('stopped')) this.#deliver();
      this.#deliverEach(milliseconds);
    };
    this.#time.at(this.#time.now + milliseconds, deliver, false);
  }

  #deliver(): void {
    if (!this.#lease.holds) return;
    for (const [route, epoch] of this.sessions) {
      this.deliveries += 1;
      const found = this.#database.routes.get(route);
      if (found?.holder !== this.name || found.epoch !== epoch)
        this.faults.push(`${this.name} delivers for ${route} at ${this.#time.now}, which ${found?.holder} has`);
    }
  }

  #wake(isTimer: boolean, run: () => void): void {
    if (this.#suffers('stopped')) this.#late.push({ isTimer, run });
    else run();
  }

  #goOn(duration: number): void {
    if (this.#options.standsStill) this.#stoodStill += duration;
    if (this.#suffers('stopped')) return;
    // An answer of the sink is there too, and the next delivery follows it at once.
    this.#deliver();
    const late = this.#late.splice(0);
    for (const { run } of [...late.filter(({ isTimer }) => !isTimer), ...late.filter(({ isTimer }) => isTimer)]) run();
  }

  #suffers(what: Trouble['what']): boolean {
    const { now } = this.#time;
    return this.#options.troubles.some(
      (trouble) =>
        trouble.who === this.#who && trouble.what === what && trouble.at <= now && now < trouble.at + trouble.for,
    );
  }
}
