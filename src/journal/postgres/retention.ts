import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import type { Clock, Limits } from '../journal.ts';
import { expire, History } from './aging.ts';
import { type Database, type Queryable, StoreAway } from './connection.ts';
import { addDays, type DailyTable, dailyTables, dropOldDay } from './days.ts';
import { foldDrift } from './drift.ts';
import { type Bounds, type Dropped, dropOldRange, Emptying } from './drop.ts';
import { Evictor } from './evictor.ts';
import { forgetDaemons, heldBack } from './held.ts';
import { addRanges, endOldRange } from './log-ranges.ts';
import { forgetLogins } from './logins.ts';
import { Remains } from './remains.ts';
import { Space } from './space.ts';
import { Thinning } from './thinning.ts';

/** Between rounds while there is something to remove, while much is taken, and else, in milliseconds. */
const busyPause = 50;
const fillingPause = 1_000;
const idlePause = 5_000;

/** From this share of `maxSize` on, it is looked more often. */
const filling = 0.8;

/**
 * Entries that were passed over because something listed them are looked at again after this time, in milliseconds; and after
 * the other one where an operator has changed something, who may do that in a thousand steps.
 */
const lookAgainAfter = 600_000;
const lookAgainSoon = 10_000;

/** What was in use for longer than it is waited for is tried again after this time, in milliseconds. */
const tryAgainAfter = 60_000;

/** How often a thing is done in a round, before the next one's turn. */
const mostTimes = 10;

/** For so long a round that is under way is waited for at the end, in milliseconds. */
const closesWithin = 1_000;

/** From this share of `maxSize` on, what is settled is removed whatever its age. */
const nearlyFull = 0.9;

/** What a step goes by. */
interface Round extends Bounds {
  /** The database's, in Unix milliseconds. */
  readonly now: number;
  /** What was dead before, in Unix milliseconds, is expired. */
  readonly expired: number;
}

/** One thing to do; it gives whether there is more. */
type Step = () => Promise<boolean>;

/**
 * Makes room in the journal, and removes from it what every route has settled, once it is old or the journal is nearly full:
 * by dropping ranges of the log. What is recorded as waiting, quarantined or dead stays; the latter two until they are older
 * than `deadRetention`. What is invalid has a share of its own: see Evictor. All daemons try; one at a time does it.
 */
export class Retention {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #space: Space;
  readonly #evictor: Evictor;
  readonly #remains = new Remains();
  /** What there is to do in a round, by what it is about. */
  readonly #steps: ReadonlyMap<string, Step>;
  /** What was in use, and until when it is left alone. */
  readonly #postponed = new Map<string, number>();
  readonly #failing = new Set<string>();
  #limits: Limits;
  #lookedAt = performance.now();
  #isLookWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<boolean> | undefined;
  #hurried = false;
  #closed = false;

  constructor(database: Database, limits: Limits, clock: Clock, log: Logger) {
    this.#database = database;
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#space = new Space(database);
    this.#evictor = new Evictor(log);
    const history = new History();
    const thinning = new Thinning();
    const emptying = new Emptying();
    const alone = (work: (within: Queryable, round: Round) => Promise<boolean>) => () => this.#alone(work);
    const dropping = (name: string, drop: (round: Round) => Promise<Dropped>) => () => this.#dropping(name, drop);
    this.#steps = new Map<string, Step>([
      ['size', () => this.#measure()],
      ['ranges', () => this.#makeRanges()],
      ...dailyTables.map((table): [string, Step] => [table, () => this.#makeDays(table)]),
      ['junk', alone((within, round) => this.#evictor.evict(within, this.#share, round))],
      ['dead letters', alone((within, { expired }) => expire(within, expired))],
      ['listed', alone((within, round) => emptying.empty(within, round))],
      ['range', dropping('range', (round) => dropOldRange(this.#database, round))],
      ...dailyTables.map((table): [string, Step] => {
        const name = `day of ${table}`;
        return [name, dropping(name, () => dropOldDay(this.#database, table))];
      }),
      ['remains', alone((within, round) => this.#remains.remove(within, round))],
      ['history', alone((within, round) => history.forget(within, round))],
      ['drift', alone(foldDrift)],
      ['old rows', alone((within) => thinning.thin(within))],
      ['logins', alone(forgetLogins)],
      ['daemons', alone((within) => forgetDaemons(within, this.#limits.retention))],
    ]);
    this.#schedule(0);
  }

  /** Makes place for so many more, where there is none. */
  async addRanges(needed: number): Promise<void> {
    await addRanges(this.#database, this.#limits, needed);
  }

  limit(limits: Limits): void {
    this.#limits = limits;
    this.lookAgain();
  }

  /** Anything that was passed over may be removable now. */
  lookAgain(): void {
    this.#isLookWanted = true;
    this.#hurry();
  }

  /** So many bytes of undecodable and invalid notifications were appended. */
  grown(bytes: number): void {
    this.#evictor.grown(bytes);
    if (this.#evictor.bytes > this.#share) this.#hurry();
  }

  /** Why nothing may be appended, for an operator: the journal is full. Null while it isn't. */
  get refusal(): string | null {
    return this.#space.refusal(this.#limits.maxSize);
  }

  /** Removes what can be removed at once, where it is full. Returns why it still is, or null. */
  async makeRoom(): Promise<string | null> {
    if (this.refusal !== null) await this.round();
    return this.refusal;
  }

  /** Does what there is to do, some of it at a time. Returns whether there is more. */
  round(): Promise<boolean> {
    this.#running ??= this.#goRound().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** What takes longer ends with its connection: it is a transaction. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.race([this.#running, delay(closesWithin, undefined, { ref: false })]);
  }

  get #share(): number {
    return this.#limits.maxSize * this.#limits.invalidShare;
  }

  #schedule(pause: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#onTime(), pause);
  }

  async #onTime(): Promise<void> {
    this.#hurried = false;
    const hasMore = await this.round();
    const isFilling = this.#space.used >= this.#limits.maxSize * filling;
    this.#schedule(this.#hurried ? 0 : hasMore ? busyPause : isFilling ? fillingPause : idlePause);
  }

  /** Looks at once, not only at the next time. */
  #hurry(): void {
    this.#hurried = true;
    if (this.#running === undefined) this.#schedule(0);
  }

  async #goRound(): Promise<boolean> {
    const since = performance.now() - this.#lookedAt;
    if (since > (this.#isLookWanted ? lookAgainSoon : lookAgainAfter)) {
      this.#remains.lookAgain();
      this.#lookedAt = performance.now();
      this.#isLookWanted = false;
    }
    let hasMore = false;
    for (const [name, step] of this.#steps) {
      let more = true;
      for (let times = 0; more && times < mostTimes && !this.#closed; times += 1) more = await this.#try(name, step);
      hasMore ||= more;
    }
    return hasMore;
  }

  async #measure(): Promise<boolean> {
    await this.#space.measure(this.#limits.maxSize);
    return false;
  }

  async #makeRanges(): Promise<boolean> {
    await addRanges(this.#database, this.#limits);
    if (!this.#isPostponed('early end') && !(await endOldRange(this.#database, this.#limits)))
      this.#postpone('early end');
    return false;
  }

  async #makeDays(table: DailyTable): Promise<boolean> {
    if (!this.#isPostponed(table) && !(await addDays(this.#database, table, (await this.#look()).now)))
      this.#postpone(table);
    return false;
  }

  async #dropping(name: string, drop: (round: Round) => Promise<Dropped>): Promise<boolean> {
    if (this.#isPostponed(name)) return false;
    const came = await drop(await this.#look());
    if (came === 'busy') this.#postpone(name);
    if (came === 'dropped') await this.#measure();
    return came === 'dropped';
  }

  /** In a transaction, while no other daemon tidies. */
  #alone(work: (within: Queryable, round: Round) => Promise<boolean>): Promise<boolean> {
    return this.#database.transaction(async (within) => {
      const [row] = await within.query<{ mine: boolean }>("SELECT try_lock_for('tidy') AS mine");
      return row?.mine === true && work(within, await this.#look(within));
    });
  }

  async #look(within: Queryable = this.#database): Promise<Round> {
    const [{ now } = { now: 0 }] = await within.query<{ now: number }>('SELECT now_ms() AS now');
    const { retention, deadRetention, maxSize } = this.#limits;
    const before = (age: number) =>
      this.#clock.isTrusted && Number.isFinite(age) ? Math.max(0, Math.floor(now - age)) : 0;
    return {
      ...(await heldBack(within)),
      now,
      oldest: before(retention),
      expired: before(deadRetention),
      isNearlyFull: this.#space.used >= maxSize * nearlyFull,
    };
  }

  #isPostponed(name: string): boolean {
    return performance.now() < (this.#postponed.get(name) ?? 0);
  }

  /** Somebody uses it, a dump say, which may take hours: each try keeps all others from it for a moment. */
  #postpone(name: string): void {
    this.#postponed.set(name, performance.now() + tryAgainAfter);
  }

  /** What goes wrong with one thing doesn't keep the others from being done. */
  async #try(name: string, step: Step): Promise<boolean> {
    try {
      const more = await step();
      this.#failing.delete(name);
      return more;
    } catch (error) {
      if (!(error instanceof StoreAway)) this.#tellFailure(name, error);
      return false;
    }
  }

  #tellFailure(name: string, error: unknown): void {
    if (this.#failing.has(name)) return;
    this.#failing.add(name);
    this.#log.error({ of: name, reason: reasonOf(error) }, messages.nothingRemoved);
  }
}
