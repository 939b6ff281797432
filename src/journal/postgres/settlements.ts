import { loggedRuns } from '../delivery-runs.ts';
import type { DeliveryTallies } from '../delivery-tallies.ts';
import { JournalError } from '../journal.ts';
import { type DeliveredRecord, type Recorded, restartedAt, type Settlement } from '../route-session.ts';
import { count, hasRecords, isRecorded, passedWithin, type Staged, Staging, settledIn, unawaited } from '../staging.ts';
import { storable } from './arrays.ts';
import { type Queryable, StoreAway } from './connection.ts';
import { isConflict } from './failure.ts';

/** How long a route's progress may wait for a call that it can share, in milliseconds. */
const commitWithin = 10;
/** Between tries of a call that failed, in milliseconds. */
const firstPause = 100;
const longestPause = 1_000;

interface Options {
  readonly database: Queryable;
  readonly holder: string;
  /** How far this machine's clock is ahead of the database's, in milliseconds. */
  readonly skew: () => number;
  readonly counts: Pick<DeliveryTallies, 'add' | 'addRun'>;
  /** A route isn't this daemon's any more, or can't be saved. */
  readonly onLost: (route: string, epoch: number, reason: JournalError) => void;
}

/** What one call saves of a route. With the same number, it is the same. */
interface Saving {
  readonly route: string;
  readonly epoch: number;
  readonly n: number;
  readonly staged: Staged;
}

/**
 * The progress of routes on its way to the database: one call at a time, for all that was told meanwhile. A call that had no
 * answer is made again as it was, before any other: it may have been saved.
 */
export class Settlements {
  readonly #options: Options;
  readonly #staging = new Staging();
  /** Of the sessions that are open: the epoch, and how many calls there were. */
  readonly #sessions = new Map<string, { readonly epoch: number; n: number }>();
  readonly #watches = new Set<{ readonly route: string; readonly settled: Map<number, number> }>();
  /** What a call is under way for, or has failed. */
  #unsaved: Saving[] = [];
  #running: Promise<void> | undefined;
  /** Of the next call. */
  #next: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #passedTimer: NodeJS.Timeout | undefined;
  #pause = firstPause;

  constructor(options: Options) {
    this.#options = options;
  }

  /** @param ahead what sessions before this one have settled beyond its cursor */
  begin(route: string, epoch: number, ahead: readonly number[]): void {
    this.#sessions.set(route, { epoch, n: 0 });
    this.#staging.begin(route, ahead);
  }

  /** What isn't saved by now is delivered again. */
  end(route: string, epoch: number): void {
    if (this.#sessions.get(route)?.epoch !== epoch) return;
    this.#sessions.delete(route);
    this.#staging.clear(route);
    this.#unsaved = this.#unsaved.filter((saving) => saving.route !== route);
  }

  /** Returns the next call's promise, which rejects where that fails: then all waits for the one after it. */
  stage(route: string, settlement: Settlement): Promise<void> {
    if (!this.#staging.add(route, settlement)) {
      this.#passedTimer ??= setTimeout(() => void this.commit().catch(() => undefined), passedWithin);
      return unawaited;
    }
    for (const watch of this.#watches)
      if (watch.route === route)
        for (const { seq, restartedAt } of settlement.settled) watch.settled.set(seq, restartedAt);
    this.#timer ??= setTimeout(() => this.#start(), commitWithin);
    return this.#promise();
  }

  /** Saves all that was told. @throws JournalError */
  commit(): Promise<void> {
    clearTimeout(this.#passedTimer);
    this.#passedTimer = undefined;
    this.#staging.takePassed();
    if (this.#staging.routes.size === 0 && this.#unsaved.length === 0) return Promise.resolve();
    if (this.#staging.routes.size === 0 && this.#running !== undefined) return this.#running;
    const saved = this.#promise();
    this.#start();
    return saved;
  }

  /** What is on its way can't be seen in the tables: where a record would be missed there, it is saved first. */
  async commitRecords(route: string): Promise<void> {
    if (this.#of(route).some(hasRecords)) await this.commit();
  }

  /**
   * Looks for something among a route's records. What may still be in the table, though it is settled, is given: the
   * `restartedAt` of each, by its entry; it grows with what is settled until the look ends.
   */
  async looking<T>(route: string, look: (settled: ReadonlyMap<number, number>) => Promise<T>): Promise<T> {
    const settled = new Map(this.#of(route).flatMap((staged) => [...settledIn(staged)]));
    const watch = { route, settled };
    this.#watches.add(watch);
    try {
      return await look(settled);
    } finally {
      this.#watches.delete(watch);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#passedTimer);
  }

  #of(route: string): Staged[] {
    const staged = this.#staging.routes.get(route);
    const unsaved = this.#unsaved.filter((saving) => saving.route === route).map((saving) => saving.staged);
    return staged === undefined ? unsaved : [...unsaved, staged];
  }

  #promise(): Promise<void> {
    if (this.#next === undefined) {
      this.#next = Promise.withResolvers();
      // Not everybody who is given it waits for it.
      this.#next.promise.catch(() => undefined);
    }
    return this.#next.promise;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running !== undefined) return;
    const running = this.#run();
    this.#running = running;
    running.then(
      () => this.#ended(0),
      () => {
        this.#ended(this.#pause);
        this.#pause = Math.min(longestPause, this.#pause * 2);
      },
    );
  }

  /** What was told while the call was under way goes with the next one. */
  #ended(pause: number): void {
    this.#running = undefined;
    if (this.#next === undefined && this.#unsaved.length === 0) return;
    this.#timer ??= setTimeout(() => this.#start(), pause);
  }

  async #run(): Promise<void> {
    let telling: PromiseWithResolvers<void> | undefined;
    try {
      // What has had no answer comes first.
      await this.#save();
      telling = this.#takeNext();
      this.#unsaved = [...this.#staging.routes].flatMap(([route, staged]) => this.#numbered(route, staged));
      this.#staging.clear();
      await this.#save();
      this.#pause = firstPause;
      telling?.resolve();
    } catch (error) {
      (telling ?? this.#takeNext())?.reject(error);
      throw error;
    }
  }

  #takeNext(): PromiseWithResolvers<void> | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }

  #numbered(route: string, staged: Staged): Saving[] {
    const session = this.#sessions.get(route);
    if (session === undefined) return [];
    session.n += 1;
    return [{ route, epoch: session.epoch, n: session.n, staged }];
  }

  async #save(): Promise<void> {
    if (this.#unsaved.length === 0) return;
    const savings = this.#unsaved;
    try {
      await this.#call(savings);
    } catch (error) {
      if (!(error instanceof JournalError) || mayGoLater(error)) throw error;
      await this.#saveEach(savings);
    }
  }

  /** One that can't be saved doesn't keep the others from it. */
  async #saveEach(savings: readonly Saving[]): Promise<void> {
    for (const saving of savings) {
      try {
        await this.#call([saving]);
      } catch (error) {
        if (!(error instanceof JournalError) || mayGoLater(error)) throw error;
        this.#drop(saving);
        this.#options.onLost(saving.route, saving.epoch, error);
      }
    }
  }

  #drop(saving: Saving): void {
    this.#unsaved = this.#unsaved.filter((other) => other !== saving);
  }

  async #call(savings: readonly Saving[]): Promise<void> {
    const { database, holder, skew, counts, onLost } = this.#options;
    const values = [holder, JSON.stringify(savings.map((saving) => rowOf(saving, skew())))];
    const [row] = await database.query<{ lost: string[] }>('SELECT settle($1, $2::jsonb) AS lost', values);
    const lost = new Set(row?.lost);
    for (const saving of savings) {
      this.#drop(saving);
      const { route, epoch, staged } = saving;
      if (lost.has(route)) onLost(route, epoch, new JournalError(`the route ${route} is no longer this daemon's`));
      else count(counts, route, staged);
    }
  }
}

/** The same call may be answered otherwise soon. */
function mayGoLater(error: JournalError): boolean {
  return error instanceof StoreAway || isConflict(error);
}

/** As `settle` takes it. */
function rowOf({ route, epoch, n, staged: { cursor, ahead, records, runs } }: Saving, skew: number): object {
  const all = [...records.values()];
  return {
    ...{ route, epoch, n, cursor, ahead },
    records: all.filter(isRecorded).map((record) => recordOf(record, skew)),
    settled: all.filter(isDelivered).map(settledOf),
    log: loggedRuns(runs).map(({ code, ...places }) => ({ ...places, code: storableCode(code) })),
  };
}

function isDelivered(record: Recorded | DeliveredRecord): record is DeliveredRecord {
  return !isRecorded(record);
}

function recordOf({ seq, accountId, state, reason, attempts, dueAt, exists }: Recorded, skew: number): object {
  return {
    ...{ seq, state, account: accountId && storable(accountId), reason: storable(reason), is_known: exists },
    ...{
      attempts: JSON.stringify(attempts),
      restarted: restartedAt(attempts),
      due: dueAt === null ? null : dueAt - skew,
    },
  };
}

function settledOf({ seq, restartedAt, code, attempts }: DeliveredRecord): object {
  return { seq, restarted: restartedAt, code: storableCode(code), attempts };
}

function storableCode(code: number | string | null): number | string | null {
  return typeof code === 'string' ? storable(code) : code;
}
