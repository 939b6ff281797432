import type { StatementSync } from 'node:sqlite';
import { unlessAborted } from '../../common/async/abort.ts';
import type { Interest } from '../../notification/entry.ts';
import { JournalError } from '../journal.ts';
import type { DueDeliveries, Page, RouteSession, Settlement, Waiting, WaitingPage } from '../route-session.ts';
import type { Connection } from './connection.ts';
import type { Deliveries } from './deliveries.ts';
import { erasedAmong } from './rows.ts';
import { saveSelection } from './selections.ts';
import type { Settlements } from './settlements.ts';

/** What all sessions of a journal share. */
interface Shared {
  readonly connection: Connection;
  readonly deliveries: Deliveries;
  readonly settlements: Settlements;
  readonly read: RouteSession['read'];
  /** The newest entry. */
  readonly last: () => number;
}

interface Place {
  readonly route: string;
  readonly cursor: number;
  readonly selection: object | null;
}

/**
 * The sessions of routes. The daemon has the journal alone, so a route is its own; but one session at a time: the next
 * one begins when the one before has let go.
 */
export class RouteSessions {
  readonly #shared: Shared;
  readonly #open = new Map<string, SqliteRouteSession>();
  /** Those that never had a session. */
  readonly #new = new Set<string>();
  readonly #insertPlace: StatementSync;
  readonly #cursor: StatementSync;
  /** What waits for the end of this turn. */
  #placing: { readonly places: Place[]; readonly commit: Promise<void> } | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
    const { database } = shared.connection;
    this.#insertPlace = database.prepare(
      'INSERT INTO routes (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO NOTHING',
    );
    this.#cursor = database.prepare('SELECT cursor FROM routes WHERE name = ?');
  }

  /** Gives a route that has none a place. Those that get theirs in one turn, as at the start, share a commit. */
  place(route: string, cursor: number, selection: object | null): Promise<void> {
    this.#placing ??= { places: [], commit: Promise.resolve().then(() => this.#place()) };
    this.#placing.places.push({ route, cursor, selection });
    return this.#placing.commit;
  }

  async open(route: string, signal: AbortSignal | undefined): Promise<RouteSession> {
    for (let other = this.#open.get(route); other !== undefined; other = this.#open.get(route))
      await (signal === undefined ? other.ended : unlessAborted(other.ended, signal));
    signal?.throwIfAborted();
    const { connection, settlements, last } = this.#shared;
    // The one before may have let go without saving.
    settlements.commit();
    settlements.begin(route);
    const session = await connection.reading(() => {
      const cursor = this.#cursorOf(route);
      return new SqliteRouteSession(route, cursor, this.#new.has(route) ? cursor : last(), this.#shared);
    });
    this.#new.delete(route);
    this.#open.set(route, session);
    void session.ended.then(() => this.#open.delete(route));
    return session;
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** Ends all of them. What isn't saved by then is lost, and delivered again. */
  close(): void {
    for (const session of this.#open.values()) session.lose();
  }

  #place(): void {
    const { connection } = this.#shared;
    const places = this.#placing?.places ?? [];
    this.#placing = undefined;
    const placed = connection.transaction(() => {
      const added = places.filter(({ route, cursor }) => this.#insertPlace.run(route, cursor).changes === 1);
      for (const { route, selection } of places) saveSelection(connection.database, route, selection);
      return added;
    });
    for (const { route } of placed) this.#new.add(route);
  }

  #cursorOf(route: string): number {
    const cursor = this.#cursor.get(route)?.cursor;
    if (typeof cursor !== 'number') throw new JournalError(`the journal has no place of the route ${route}`);
    return cursor;
  }
}

class SqliteRouteSession implements RouteSession {
  readonly cursor: number;
  readonly attemptedThrough: number;
  readonly #route: string;
  readonly #shared: Shared;
  readonly #losing = new AbortController();
  /** One daemon has the journal. */
  readonly recalled = new AbortController().signal;
  readonly #ending = Promise.withResolvers<void>();
  #isOver = false;

  constructor(route: string, cursor: number, attemptedThrough: number, shared: Shared) {
    this.#route = route;
    this.cursor = cursor;
    this.attemptedThrough = attemptedThrough;
    this.#shared = shared;
  }

  get lost(): AbortSignal {
    return this.#losing.signal;
  }

  /** Resolves when the next one may begin. */
  get ended(): Promise<void> {
    return this.#ending.promise;
  }

  read(seq: number, limit: number, interest: Interest, bytes?: number): Promise<Page> {
    return this.#shared.read(seq, limit, interest, bytes);
  }

  handledBeyondCursor(): Promise<number[]> {
    return this.#reading((deliveries) => deliveries.handledAfter(this.#route, this.cursor));
  }

  async wakeAll(): Promise<void> {
    const { connection, deliveries } = this.#shared;
    connection.transaction(() => deliveries.wakeAll(this.#route));
  }

  /** In one step: were the first dropped between two, nobody would wake the next, or wait for it. */
  async wakeFirst(): Promise<Map<string, number>> {
    const { connection, deliveries } = this.#shared;
    return connection.transaction(() => deliveries.wakeFirst(this.#route));
  }

  async due(wanted: DueDeliveries): Promise<WaitingPage> {
    const { settlements } = this.#shared;
    settlements.commitRecords(this.#route);
    const settled = settlements.settledOf(this.#route);
    return this.#reading((deliveries) => deliveries.due(this.#route, wanted, settled));
  }

  nextDue(now: number): Promise<number | null> {
    return this.#reading((deliveries) => deliveries.nextDue(this.#route, now));
  }

  async waitingOf(accountId: string, limit: number, bytes?: number): Promise<readonly Waiting[]> {
    const { settlements } = this.#shared;
    settlements.commitRecords(this.#route);
    const settled = settlements.settledOf(this.#route);
    const find = (deliveries: Deliveries) => deliveries.ofAccount(this.#route, accountId, limit, settled, bytes);
    return (await this.#reading(find)).waiting;
  }

  async waitingAmong(seqs: readonly number[]): Promise<ReadonlyMap<number, number>> {
    this.#shared.settlements.commitRecords(this.#route);
    return this.#reading((deliveries) => deliveries.among(this.#route, seqs));
  }

  erasedAmong(seqs: readonly number[]): Promise<ReadonlySet<number>> {
    const { connection } = this.#shared;
    return connection.reading(() => erasedAmong(connection.database, seqs));
  }

  settle(settlement: Settlement): Promise<void> {
    if (this.#isOver) return Promise.reject(new JournalError(`the route ${this.#route} is no longer this session's`));
    return this.#shared.settlements.stage(this.#route, settlement);
  }

  async flush(): Promise<void> {
    this.#shared.settlements.commit();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    try {
      await this.flush();
    } finally {
      this.#ending.resolve();
    }
  }

  /** The journal ends before the session has. */
  lose(): void {
    this.#isOver = true;
    this.#ending.resolve();
    this.#losing.abort(new JournalError('the journal was closed'));
  }

  #reading<T>(work: (deliveries: Deliveries) => T): Promise<T> {
    const { connection, deliveries } = this.#shared;
    return connection.reading(() => work(deliveries));
  }
}
