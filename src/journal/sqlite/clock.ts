import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { messages } from '../../common/messages.ts';
import type { Clock, ClockDoubt } from '../journal.ts';
import type { Companion } from './companion.ts';

/** So far the clock may be beyond the last sign of life, and for so long a daemon must run to believe it; milliseconds. */
const farthest = 86_400_000;
const believedAfter = 86_400_000;

/** Between two signs of life that are written, in milliseconds. */
const signEvery = 60_000;

/** A clock that changes by more than this within a run has jumped; for so long it isn't trusted then. Milliseconds. */
const jump = 60_000;
const afterJump = 3_600_000;

/**
 * Compares the clock with the times in the journal: a clock that is set forward would make everything old at once.
 * While it is in doubt, also across restarts, the sign of life remains, and times of arriving notifications prove
 * nothing.
 */
export class JournalClock implements Clock, Companion {
  readonly #log: Logger;
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;
  readonly #drop: StatementSync;
  /** The last time that was believed, in Unix milliseconds. */
  #sign: number;
  /** Milliseconds of running until a clock in doubt is believed; 0 where it is. */
  #left: number;
  #lookedAt = performance.now();
  #offset = Date.now() - performance.now();
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(database: DatabaseSync, log: Logger) {
    this.#database = database;
    this.#log = log;
    this.#save = database.prepare(saveFact);
    this.#drop = database.prepare('DELETE FROM facts WHERE name = ?');
    this.#sign = lastSign(database) ?? Date.now();
    this.#left = factIn(database, leftName) ?? 0;
    // Since then, the clock may have been set right, or an operator may have accepted it.
    if (this.#left > 0 && isDoubtful(Date.now(), this.#sign)) this.#tellDoubt();
    this.#look();
  }

  get isTrusted(): boolean {
    this.#look();
    return this.#left === 0 && performance.now() >= this.#pausedUntil;
  }

  get doubt(): ClockDoubt | null {
    this.#look();
    return this.#left === 0 ? null : { lastSign: this.#sign, believedIn: this.#left };
  }

  /** True where a sign of life should be written, though nothing else is. */
  get isDue(): boolean {
    this.#look();
    return performance.now() - this.#writtenAt >= signEvery;
  }

  write(): void {
    this.#save.run(signName, this.#sign);
    if (this.#left === 0) this.#drop.run(leftName);
    else this.#save.run(leftName, Math.ceil(this.#left));
  }

  written(): void {
    this.#writtenAt = performance.now();
  }

  /** Somebody else has written to the journal: an operator may have accepted the clock. */
  lookAgain(): void {
    this.#sign = Math.max(this.#sign, factIn(this.#database, signName) ?? 0);
    this.#look();
  }

  #look(): void {
    const now = Date.now();
    const running = performance.now();
    const change = now - running - this.#offset;
    const isFar = isDoubtful(now, this.#sign);
    if (this.#left > 0) {
      this.#left = isFar ? Math.max(0, this.#left - (running - this.#lookedAt)) : 0;
      if (this.#left === 0) this.#believe(now);
    } else if (isFar) {
      this.#left = believedAfter;
      this.#writtenAt = Number.NEGATIVE_INFINITY;
      this.#tellDoubt();
    } else {
      this.#sign = Math.max(this.#sign, now);
      if (Math.abs(change) > jump) this.#pause(change);
    }
    this.#offset += change;
    this.#lookedAt = running;
  }

  #believe(now: number): void {
    this.#sign = Math.max(this.#sign, now);
    this.#writtenAt = Number.NEGATIVE_INFINITY;
    this.#log.info(messages.clockAccepted);
  }

  #pause(change: number): void {
    this.#pausedUntil = performance.now() + afterJump;
    this.#log.warn({ seconds: Math.round(change / 1_000) }, messages.clockJumped);
  }

  #tellDoubt(): void {
    this.#log.warn(
      { clock: new Date().toISOString(), lastSign: new Date(this.#sign).toISOString() },
      messages.clockDoubted,
    );
  }
}

const signName = 'last_sign_of_life';
const leftName = 'clock_doubted_for';

/** The last sign of life in a journal, in Unix milliseconds; null where there is none. */
export function lastSign(database: DatabaseSync): number | null {
  const sign = factIn(database, signName);
  // What came in while the clock was in doubt has its time.
  if (factIn(database, leftName) !== null) return sign;
  const entry = database.prepare('SELECT received_at FROM notifications ORDER BY seq DESC LIMIT 1').get();
  return entry === undefined ? sign : Math.max(sign ?? 0, Number(entry.received_at));
}

/** From now on the clock is believed as it is. */
export function acceptClock(database: DatabaseSync): boolean {
  return database.prepare(saveFact).run(signName, Date.now()).changes === 1;
}

const saveFact = 'INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)';

function factIn(database: DatabaseSync, name: string): number | null {
  const value = database.prepare('SELECT value FROM facts WHERE name = ?').get(name)?.value;
  return typeof value === 'number' ? value : null;
}

/** True where a clock that says `now` is in doubt, by the last sign of life that there is. */
export function isDoubtful(now: number, sign: number | null): boolean {
  return sign !== null && now - sign > farthest;
}
