import { reasonOf } from '../../common/errors.ts';
import { Deadline, inTime } from './deadline.ts';
import { isConflict, StoreAway } from './failure.ts';
import type { Link, LinkSettings, Queryable } from './link.ts';
import type { Primary } from './primary.ts';

export { StoreAway } from './failure.ts';
export type { Queryable } from './link.ts';

/** A few connections to the server that may be written to, for one kind of work. */
export interface Database extends Queryable {
  /**
   * Does the work in one transaction (READ COMMITTED), and again where it was in another one's way. Whoever works within
   * waits for nothing but the database.
   * @throws as `query`, and what the work throws
   */
  transaction<T>(work: (within: Queryable) => Promise<T>): Promise<T>;
  /** Null while all is well. */
  readonly away: AwayState | null;
  close(): Promise<void>;
}

/** The server can't be used for this kind of work. */
export interface AwayState {
  /** Unix milliseconds of the first failure. */
  readonly since: number;
  readonly reason: string;
}

/** Of one kind of work. */
export interface LaneOptions {
  /** How many connections it has at most. */
  readonly size: number;
  /** Milliseconds that a call may take, with the wait for a connection; a transaction is one. */
  readonly within: number;
  /** Milliseconds that it may think between two statements of a transaction, where nobody waits for it. */
  readonly idleTimeout?: number;
  /** A commit must be confirmed by whomever the server waits for. */
  readonly mustConfirm?: boolean;
  /** Runs on a connection that was made since something failed: once it has, this lane is no longer away. */
  readonly probe?: (within: Queryable) => Promise<unknown>;
}

/** Milliseconds between tries to reach a server that is away; the first one comes at once. */
const firstPause = 50;
const longestPause = 1_000;
/** For a connection to each server, in milliseconds. */
const connectWithin = 2_000;
/** Once it is away for so long, in milliseconds, no call waits for it. */
const patience = 1_000;
const mostConflicts = 5;

interface Waiter {
  readonly resolve: (link: Link) => void;
  readonly reject: (failure: Error) => void;
}

/**
 * Connections of one kind of work, made when they are needed. When one fails, all calls fail until another one stands that
 * can be used; each waits for that as long as it may take.
 */
export class Lane implements Database {
  readonly #primary: Primary;
  readonly #options: LaneOptions;
  readonly #settings: Omit<LinkSettings, 'schema' | 'log'>;
  readonly #idle: Link[] = [];
  readonly #links = new Set<Link>();
  readonly #waiting = new Set<Waiter>();
  readonly #closing = new AbortController();
  /** How many are being made. */
  #connecting = 0;
  readonly #forget: () => void;
  #away: AwayState | null = null;
  /** By the monotonic clock. */
  #failedAt = 0;
  #pause = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(primary: Primary, options: LaneOptions) {
    this.#primary = primary;
    this.#options = options;
    this.#settings = {
      connectWithin,
      statementTimeout: options.within,
      lockTimeout: Math.min(2_000, options.within * 0.8),
      idleTimeout: options.idleTimeout,
      mustConfirm: options.mustConfirm ?? false,
    };
    this.#forget = primary.onPromoted((timeline) => this.#cutOlder(timeline));
  }

  get away(): AwayState | null {
    return this.#away;
  }

  query<T extends object>(text: string, values?: readonly unknown[]): Promise<readonly T[]> {
    return this.using((link) => link.query<T>(text, values));
  }

  async transaction<T>(work: (within: Queryable) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.using(async (link) => {
          await link.query('BEGIN ISOLATION LEVEL READ COMMITTED');
          const result = await work(link);
          await link.query('COMMIT');
          return result;
        });
      } catch (error) {
        if (!isConflict(error) || tries === mostConflicts) throw error;
      }
    }
  }

  /** Does something on one connection, that nobody else uses meanwhile. */
  async using<T>(work: (link: Link) => Promise<T>, within = this.#options.within): Promise<T> {
    const late = new Deadline(within);
    try {
      const link = await this.#take(late);
      try {
        const result = await late.of(work(link), (failure) => link.cut(failure));
        this.#give(link);
        return result;
      } catch (error) {
        this.#drop(link, error);
        throw error;
      }
    } finally {
      late.end();
    }
  }

  async close(): Promise<void> {
    const closed = new StoreAway('the journal was closed');
    this.#closing.abort(closed);
    clearTimeout(this.#retry);
    this.#forget();
    this.#refuse(closed);
    await Promise.all([...this.#links].map((link) => (this.#idle.includes(link) ? link.close() : link.cut(closed))));
  }

  /** Whoever waits for one is given it, once there is one. */
  #take(late: Deadline): Promise<Link> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    if (this.#isLongAway) return Promise.reject(new StoreAway(this.#away?.reason));
    const waiting = Promise.withResolvers<Link>();
    const waiter: Waiter = waiting;
    this.#waiting.add(waiter);
    this.#serve();
    return late.of(waiting.promise, () => this.#waiting.delete(waiter));
  }

  #give(link: Link): void {
    if (!link.isUsable || this.#closing.signal.aborted) {
      this.#links.delete(link);
      void link.close();
    } else {
      link.usedAt = performance.now();
      this.#idle.push(link);
    }
    this.#serve();
  }

  #drop(link: Link, error: unknown): void {
    // What the work itself threw may have come in the middle of a transaction.
    this.#links.delete(link);
    link.cut(error instanceof StoreAway ? error : new StoreAway('a call on this connection has failed'));
    if (error instanceof StoreAway) this.#fail(error);
    this.#serve();
  }

  #serve(): void {
    for (const waiter of this.#waiting) {
      const link = this.#takeIdle();
      if (link === undefined) break;
      this.#waiting.delete(waiter);
      waiter.resolve(link);
    }
    const wanted = Math.min(this.#waiting.size, this.#options.size - this.#links.size) - this.#connecting;
    // Where it is away, one is being made already.
    if (this.#away === null) for (let more = wanted; more > 0; more -= 1) void this.#connect();
  }

  #takeIdle(): Link | undefined {
    for (let link = this.#idle.pop(); link !== undefined; link = this.#idle.pop()) {
      if (link.isUsable && this.#primary.mayLive(link.usedAt)) return link;
      this.#links.delete(link);
      void link.close();
    }
    return undefined;
  }

  async #connect(): Promise<void> {
    this.#connecting += 1;
    let link: Link | undefined;
    try {
      link = await this.#primary.open(this.#settings);
      if (this.#away !== null) await this.#probe(link);
      this.#closing.signal.throwIfAborted();
    } catch (error) {
      link?.cut(new StoreAway('it was not to be used'));
      this.#connecting -= 1;
      this.#fail(error);
      return;
    }
    this.#connecting -= 1;
    this.#links.add(link);
    if (this.#away !== null) this.#primary.log.debug({ server: link.server.host }, 'the journal can be used again');
    this.#away = null;
    this.#pause = 0;
    this.#give(link);
  }

  async #probe(link: Link): Promise<void> {
    const probe = this.#options.probe ?? ((within) => within.query('SELECT 1'));
    await inTime(probe(link), connectWithin, (failure) => link.cut(failure));
  }

  /** All others are as old as this one, and may be connections to a server that is gone. */
  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const failure = error instanceof Error ? error : new StoreAway(reasonOf(error));
    this.#primary.failed();
    if (this.#away === null) this.#failedAt = performance.now();
    this.#away = { since: this.#away?.since ?? Date.now(), reason: reasonOf(failure) };
    // Where the server lets nobody in, it won't be otherwise soon.
    if (this.#isLongAway || !(failure instanceof StoreAway)) this.#refuse(failure);
    for (const link of this.#idle.splice(0)) {
      this.#links.delete(link);
      link.cut(new StoreAway('another connection to this server has failed'));
    }
    if (this.#connecting > 0 || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#connect();
    }, this.#pause);
    this.#pause = Math.min(longestPause, Math.max(firstPause, this.#pause * 2));
  }

  get #isLongAway(): boolean {
    return this.#away !== null && performance.now() - this.#failedAt > patience;
  }

  #cutOlder(timeline: string): void {
    for (const link of this.#links)
      if (link.timeline < timeline) link.cut(new StoreAway('another server has taken over'));
  }

  #refuse(failure: Error): void {
    for (const { reject } of this.#waiting) reject(failure);
    this.#waiting.clear();
  }
}
