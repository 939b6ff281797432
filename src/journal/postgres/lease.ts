import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import { JournalError } from '../journal.ts';
import type { Queryable } from './connection.ts';

/** How long a lease holds since the database was told, and how much earlier its holder stops. Milliseconds. */
export const ttl = 3_500;
const margin = 250;
/** A look for routes that are free as often as this. */
const lookEvery = 250;
/** After a failure. */
const retryAfter = 100;
const mostTries = 3;
/** What nobody takes for so long is taken beyond this daemon's share, and kept for so long. */
const unwanted = 2_000;
const keptBeyond = 60_000;
/** A smaller difference between this machine's clock and the database's is how long a question took. */
const leastSkew = 500;

/** A route that is this daemon's now. */
export interface Claimed {
  readonly route: string;
  /** Grows each time that somebody gets it. */
  readonly epoch: number;
  readonly cursor: number;
  readonly ahead: readonly number[];
  /** The newest entry: whoever had it before knows of none beyond. */
  readonly head: number;
}

/** What the owner of a claimed route hears. */
export interface Holding {
  /** It may be somebody else's. */
  lose(reason: JournalError): void;
  /** Somebody else should have it. */
  recall(): void;
}

/** Time, for tests to pass. */
export interface LeaseClock {
  /** Unix milliseconds. */
  now(): number;
  /** Milliseconds that are never set back. */
  elapsed(): number;
  after(delay: number, call: () => void): { cancel(): void };
}

const realClock: LeaseClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delay, call) {
    const timer = setTimeout(call, delay);
    return { cancel: () => clearTimeout(timer) };
  },
};

interface Waiter {
  readonly resolve: (claimed: Claimed) => void;
  readonly reject: (reason: unknown) => void;
}

interface Held {
  readonly epoch: number;
  readonly holding: Holding;
  readonly since: number;
  readonly isBeyondShare: boolean;
  isRecalled: boolean;
}

interface Beat {
  readonly routes: readonly string[];
  readonly epochs: readonly number[];
  readonly living: number;
  readonly now: number;
  /** For each route, how many living daemons want it. */
  readonly wanted: Readonly<Record<string, number>>;
}

/**
 * The lease of a daemon, and by it its routes. It counts from the moment before the database was told, and ends by this
 * machine's monotonic clock: whoever was stopped for longer finds that it is over before it finds out anything else.
 */
export class Lease {
  readonly #database: Queryable;
  readonly #holder: string;
  readonly #clock: LeaseClock;
  readonly #log: Logger;
  readonly #ttl: number;
  readonly #waiting = new Map<string, Set<Waiter>>();
  readonly #held = new Map<string, Held>();
  /** Since when a route is seen to be free, that is beyond our share. */
  readonly #freeSince = new Map<string, number>();
  /** Until when it holds, by the monotonic clock. */
  #until = Number.NEGATIVE_INFINITY;
  #renewAt = Number.NEGATIVE_INFINITY;
  #beat: Pick<Beat, 'living' | 'wanted'> = { living: 1, wanted: {} };
  #skew = 0;
  #isOpen = false;
  #isClosed = false;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: { cancel(): void } | undefined;
  #end: { cancel(): void } | undefined;

  constructor(database: Queryable, holder: string, log: Logger, clock: LeaseClock = realClock, own = ttl) {
    this.#ttl = own;
    this.#database = database;
    this.#holder = holder;
    this.#log = log;
    this.#clock = clock;
  }

  /** How far this machine's clock is ahead of the database's, in milliseconds; 0 where that is little. */
  get skew(): number {
    return this.#skew;
  }

  /** How many daemons live, this one among them. */
  get living(): number {
    return this.#beat.living;
  }

  /** The routes that are waited for. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /** Whether the routes that it has are still this daemon's: looked at before anything is done with them. */
  get holds(): boolean {
    if (this.#clock.elapsed() < this.#until) return true;
    this.#loseAll();
    return false;
  }

  /** @throws as `Queryable#query` */
  async open(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#renew();
        break;
      } catch (error) {
        // To connect may take as long as a renewal may.
        if (tries === mostTries) throw error;
      }
    }
    this.#isOpen = true;
    this.#schedule(lookEvery);
  }

  /** Resolves when the route is this daemon's. @param own tells its owner what becomes of it, from that moment on */
  claim(route: string, own: (claimed: Claimed) => Holding, signal?: AbortSignal): Promise<Claimed> {
    if (this.#isClosed) return Promise.reject(new JournalError('the journal was closed'));
    const waiting = Promise.withResolvers<Claimed>();
    const waiter: Waiter = {
      resolve: (claimed) => {
        const { epoch } = claimed;
        const isBeyondShare = this.#isShared(route) && this.#room <= 0;
        this.#held.set(route, {
          epoch,
          holding: own(claimed),
          since: this.#clock.elapsed(),
          isBeyondShare,
          isRecalled: false,
        });
        waiting.resolve(claimed);
      },
      reject: waiting.reject,
    };
    const waiters = this.#waiting.get(route) ?? new Set();
    this.#waiting.set(route, waiters.add(waiter));
    const leave = () => {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiting.get(route) === waiters) this.#waiting.delete(route);
    };
    const abort = () => {
      leave();
      waiting.reject(signal?.reason);
    };
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    // How many daemons want it is known after the next renewal.
    if (this.#beat.wanted[route] === undefined) this.#renewAt = Number.NEGATIVE_INFINITY;
    this.look();
    return waiting.promise.finally(() => {
      leave();
      signal?.removeEventListener('abort', abort);
    });
  }

  /** Lets go of a route; what of that the database doesn't hear, it hears with the next renewal. */
  async release(route: string, epoch: number): Promise<void> {
    if (this.#held.get(route)?.epoch === epoch) this.#held.delete(route);
    await this.#release(route, epoch).catch(() => undefined);
    this.look();
  }

  /** What the database has said of a route: it is somebody else's, or can't be saved. */
  lose(route: string, epoch: number, reason: JournalError): void {
    const held = this.#held.get(route);
    if (held?.epoch !== epoch) return;
    this.#held.delete(route);
    held.holding.lose(reason);
    // So that it is released.
    this.#renewAt = Number.NEGATIVE_INFINITY;
    this.look();
  }

  /** All that it has may be somebody else's. */
  loseAll(reason: JournalError): void {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { holding } of all) holding.lose(reason);
    this.#renewAt = Number.NEGATIVE_INFINITY;
  }

  /** Looks for routes that are free, at once. */
  look(): void {
    if (this.#isClosed) return;
    this.#again = true;
    this.#timer?.cancel();
    this.#running ??= this.#loop().finally(() => {
      this.#running = undefined;
    });
  }

  /** Ends all, and lets go of all. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#end?.cancel();
    const closed = new JournalError('the journal was closed');
    this.loseAll(closed);
    for (const waiters of this.#waiting.values()) for (const { reject } of waiters) reject(closed);
    await this.#running;
    if (!this.#isOpen) return;
    try {
      await this.#database.query('SELECT leave($1)', [this.#holder]);
    } catch (error) {
      this.#log.warn({ reason: reasonOf(error) }, messages.routesNotReleased);
    }
  }

  async #loop(): Promise<void> {
    let pause = lookEvery;
    while (this.#again && !this.#isClosed) {
      this.#again = false;
      try {
        if (this.#clock.elapsed() >= this.#renewAt) await this.#renew();
        if (this.#waiting.size > 0) await this.#claimFree();
      } catch (error) {
        this.#log.debug({ reason: reasonOf(error) }, 'the lease could not be renewed');
        this.#renewAt = Number.NEGATIVE_INFINITY;
        pause = retryAfter;
        break;
      }
    }
    this.#schedule(pause);
  }

  #schedule(pause: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#clock.after(pause, () => this.look());
  }

  async #renew(): Promise<void> {
    const begun = this.#clock.elapsed();
    const [sent, before] = [this.#clock.now(), this.#skew];
    const [beat] = await this.#database.query<Beat>('SELECT * FROM beat($1, $2, $3)', [
      this.#holder,
      this.#ttl,
      before,
    ]);
    if (beat === undefined || this.#isClosed) return;
    this.#beat = beat;
    this.#renewAt = begun + this.#ttl / 3;
    const skew = Math.round((sent + this.#clock.now()) / 2) - beat.now;
    if (Math.abs(skew - this.#skew) >= leastSkew) this.#skew = Math.abs(skew) < leastSkew ? 0 : skew;
    // What is held is so only while it was so all the time.
    void this.holds;
    this.#until = begun + this.#ttl - margin;
    this.#end?.cancel();
    this.#end = this.#clock.after(this.#until - this.#clock.elapsed(), () => void this.holds);
    await this.#compare(beat);
    this.#recall();
  }

  /** What the database says is ours, and what we have. */
  async #compare({ routes, epochs }: Beat): Promise<void> {
    const theirs = new Map(routes.map((route, index) => [route, epochs[index]]));
    for (const [route, { epoch }] of this.#held) {
      if (theirs.get(route) !== epoch)
        this.lose(route, epoch, new JournalError(`the route ${route} is another daemon's now`));
    }
    for (const [route, epoch = 0] of theirs) if (!this.#held.has(route)) await this.#release(route, epoch);
  }

  async #release(route: string, epoch: number): Promise<void> {
    await this.#database.query('SELECT release($1, $2, $3)', [this.#holder, route, epoch]);
  }

  /** First those that nobody else wants; of the others, as many as are this daemon's share. */
  async #claimFree(): Promise<void> {
    if (!this.holds) return;
    const waiting = [...this.#waiting.keys()].filter((route) => !this.#held.has(route));
    await this.#claim(
      waiting.filter((route) => !this.#isShared(route)),
      waiting.length,
    );
    const shared = waiting.filter((route) => this.#isShared(route));
    if (this.#room > 0) await this.#claim(shared, this.#room);
    else if (shared.length > 0) await this.#claim(await this.#unwantedAmong(shared), 1);
  }

  async #claim(routes: readonly string[], most: number): Promise<void> {
    if (routes.length === 0) return;
    const claimed = await this.#database.query<Claimed>('SELECT * FROM claim($1, $2, $3)', [
      this.#holder,
      routes,
      most,
    ]);
    for (const one of claimed) {
      const [first] = this.#waiting.get(one.route) ?? [];
      // Whoever wanted it may have gone.
      if (first === undefined || !this.holds) this.#renewAt = Number.NEGATIVE_INFINITY;
      else first.resolve(one);
      this.#freeSince.delete(one.route);
    }
    if (claimed.length > 0) this.#again = true;
  }

  /** Those that are free for long, though others might have them. */
  async #unwantedAmong(routes: readonly string[]): Promise<string[]> {
    const rows = await this.#database.query<{ route: string }>(
      'SELECT route FROM routes WHERE route = ANY ($1) AND (holder IS NULL OR NOT is_alive(holder))',
      [routes],
    );
    const free = new Set(rows.map(({ route }) => route));
    const now = this.#clock.elapsed();
    for (const route of this.#freeSince.keys()) if (!free.has(route)) this.#freeSince.delete(route);
    for (const route of free) if (!this.#freeSince.has(route)) this.#freeSince.set(route, now);
    return [...free].filter((route) => now - (this.#freeSince.get(route) ?? now) > unwanted);
  }

  #isShared(route: string): boolean {
    return (this.#beat.wanted[route] ?? 1) > 1;
  }

  /** How many more of the shared ones this daemon should have; negative where it has too many. */
  get #room(): number {
    const own = new Set([...this.#held.keys(), ...this.#waiting.keys()].filter((route) => this.#isShared(route)));
    let share = 0;
    for (const route of own) share += 1 / (this.#beat.wanted[route] ?? 1);
    return Math.ceil(share - 1e-9) - [...this.#held.keys()].filter((route) => this.#isShared(route)).length;
  }

  /** Gives back one that is beyond the share, the newest first; the next one when that is done. */
  #recall(): void {
    if (this.#room >= 0) return;
    const now = this.#clock.elapsed();
    const shared = [...this.#held].filter(([route]) => this.#isShared(route)).map(([, held]) => held);
    if (shared.some(({ isRecalled }) => isRecalled)) return;
    const last = shared.filter(({ isBeyondShare, since }) => !isBeyondShare || now - since > keptBeyond).at(-1);
    if (last === undefined) return;
    last.isRecalled = true;
    last.holding.recall();
  }

  #loseAll(): void {
    if (this.#held.size === 0) return;
    this.#log.warn({ routes: [...this.#held.keys()] }, messages.leaseOver);
    this.loseAll(new JournalError('the lease of this daemon is over'));
    this.look();
  }
}
