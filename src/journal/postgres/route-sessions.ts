import { unlessAborted } from '../../common/async/abort.ts';
import type { Interest } from '../../notification/entry.ts';
import { JournalError } from '../journal.ts';
import type { DueDeliveries, Page, RouteSession, Settlement, Waiting, WaitingPage } from '../route-session.ts';
import type { Queryable } from './connection.ts';
import * as deliveries from './deliveries.ts';
import type { Claimed, Lease } from './lease.ts';
import type { Settlements } from './settlements.ts';
import type { Tail } from './tail.ts';

/** What all sessions of a journal share. */
export interface Shared {
  readonly database: Queryable;
  /** For what goes through all that waits. */
  readonly aside: Queryable;
  readonly holder: string;
  readonly lease: Lease;
  readonly settlements: Settlements;
  readonly tail: Tail;
}

/** The sessions of routes: one of a route at a time, of whichever daemon. */
export class RouteSessions {
  readonly #shared: Shared;
  readonly #open = new Set<PostgresRouteSession>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** @param isOwn it reads only what this daemon has taken */
  async open(route: string, isOwn: boolean, signal: AbortSignal | undefined): Promise<RouteSession> {
    const opened = Promise.withResolvers<RouteSession>();
    const own = (claimed: Claimed) => {
      const session = new PostgresRouteSession(claimed, isOwn, this.#shared, () => this.#open.delete(session));
      this.#open.add(session);
      opened.resolve(session);
      return session;
    };
    await this.#shared.lease.claim(route, own, signal);
    return opened.promise;
  }
}

class PostgresRouteSession implements RouteSession {
  readonly cursor: number;
  readonly attemptedThrough: number;
  readonly #route: string;
  readonly #epoch: number;
  readonly #isOwn: boolean;
  readonly #shared: Shared;
  readonly #database: Queryable;
  readonly #aside: Queryable;
  readonly #onEnd: () => void;
  readonly #losing = new AbortController();
  readonly #recalling = new AbortController();
  #isOver = false;

  constructor({ route, epoch, cursor, ahead, head }: Claimed, isOwn: boolean, shared: Shared, onEnd: () => void) {
    this.#route = route;
    this.#epoch = epoch;
    this.cursor = cursor;
    // The first who has it knows that nobody has delivered anything.
    this.attemptedThrough = epoch === 1 ? cursor : head;
    this.#isOwn = isOwn;
    this.#shared = shared;
    this.#database = { query: (...statement) => this.#unlessLost(shared.database.query(...statement)) };
    this.#aside = { query: (...statement) => this.#unlessLost(shared.aside.query(...statement)) };
    this.#onEnd = onEnd;
    shared.settlements.begin(route, epoch, ahead);
    shared.tail.seen(head);
  }

  /** Whoever was stopped for longer than the lease finds here that it is over, before any timer tells. */
  get lost(): AbortSignal {
    if (!this.#isOver && !this.#shared.lease.holds) this.lose(this.#over());
    return this.#losing.signal;
  }

  get recalled(): AbortSignal {
    return this.#recalling.signal;
  }

  async read(seq: number, limit: number, interest: Interest, bytes?: number): Promise<Page> {
    this.#mustHold();
    return this.#unlessLost(this.#shared.tail.read(seq, limit, interest, bytes, this.#isOwn));
  }

  handledBeyondCursor(): Promise<number[]> {
    return deliveries.handledAfter(this.#aside, this.#route, this.cursor);
  }

  async wakeAll(): Promise<void> {
    await deliveries.wakeAll(this.#aside, this.#held);
  }

  wakeFirst(): Promise<Map<string, number>> {
    return deliveries.wakeFirst(this.#aside, this.#held);
  }

  async due({ now, horizon, ...rest }: DueDeliveries): Promise<WaitingPage> {
    const { settlements, lease } = this.#shared;
    await settlements.commitRecords(this.#route);
    this.#mustHold();
    return settlements.looking(this.#route, (settled) => {
      const wanted = { ...rest, now: now - lease.skew, horizon: horizon - lease.skew };
      return deliveries.due(this.#database, this.#route, wanted, settled);
    });
  }

  async nextDue(now: number): Promise<number | null> {
    const { lease } = this.#shared;
    const at = await deliveries.nextDue(this.#database, this.#route, now - lease.skew);
    return at === null ? null : at + lease.skew;
  }

  async waitingOf(accountId: string, limit: number, bytes?: number): Promise<readonly Waiting[]> {
    const { settlements } = this.#shared;
    await settlements.commitRecords(this.#route);
    this.#mustHold();
    const { waiting } = await settlements.looking(this.#route, (settled) =>
      deliveries.ofAccount(this.#database, this.#route, accountId, { limit, bytes, held: [], settled }),
    );
    return waiting;
  }

  async waitingAmong(seqs: readonly number[]): Promise<ReadonlyMap<number, number>> {
    await this.#shared.settlements.commitRecords(this.#route);
    return deliveries.waitingAmong(this.#database, this.#route, seqs);
  }

  erasedAmong(seqs: readonly number[]): Promise<ReadonlySet<number>> {
    return deliveries.erasedAmong(this.#database, seqs);
  }

  settle(settlement: Settlement): Promise<void> {
    if (this.#isOver || !this.#shared.lease.holds) return Promise.reject(this.#over());
    return this.#shared.settlements.stage(this.#route, settlement);
  }

  flush(): Promise<void> {
    return this.#shared.settlements.commit();
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      await this.#shared.settlements.commit();
    } finally {
      this.#end();
      await this.#shared.lease.release(this.#route, this.#epoch);
    }
  }

  /** Nothing of it is saved from now on. */
  lose(reason: JournalError): void {
    this.#isOver = true;
    this.#end();
    this.#losing.abort(reason);
  }

  recall(): void {
    this.#recalling.abort(new JournalError(`another daemon should have the route ${this.#route}`));
  }

  /** A connection that is half open may be waited for much longer than the lease lasts. */
  #unlessLost<T>(answer: Promise<T>): Promise<T> {
    return unlessAborted(answer, this.#losing.signal);
  }

  #end(): void {
    this.#shared.settlements.end(this.#route, this.#epoch);
    this.#onEnd();
  }

  get #held(): deliveries.Held {
    return { route: this.#route, holder: this.#shared.holder, epoch: this.#epoch };
  }

  /** @throws JournalError */
  #mustHold(): void {
    if (!this.#shared.lease.holds || this.lost.aborted) throw this.#over();
  }

  #over(): JournalError {
    return new JournalError(`the route ${this.#route} is no longer this session's`);
  }
}
