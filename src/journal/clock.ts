import type { Logger } from 'pino';
import { messages } from '../common/messages.ts';
import type { Clock, ClockDoubt } from './journal.ts';

/** So far the clock may be beyond the last sign of life, and for so long a daemon must run to believe it; milliseconds. */
const farthest = 86_400_000;
const believedAfter = 86_400_000;

/** Between two signs of life that are written, in milliseconds. */
const signEvery = 60_000;

/** A clock that changes by more than this within a run has jumped; for so long it isn't trusted then. Milliseconds. */
const jump = 60_000;
const afterJump = 3_600_000;

/** What a journal keeps of it: the last time that was believed, and for how long a clock in doubt must run; 0 for none. */
interface Kept {
  readonly sign: number | null;
  readonly left: number;
}

/**
 * Judges the clock by what the journal knows of the time: one that is set forward makes everything old at once. While it
 * is in doubt, also across restarts, the sign of life stays where it was, and what comes in with a time proves nothing.
 */
export class ClockJudge implements Clock {
  readonly #log: Logger;
  readonly #now: () => number;
  #sign: number;
  #left: number;
  #lookedAt = performance.now();
  #offset: number;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #writtenAt = Number.NEGATIVE_INFINITY;

  /** @param now the clock that is judged, in Unix milliseconds */
  constructor({ sign, left }: Kept, now: () => number, log: Logger) {
    this.#log = log;
    this.#now = now;
    this.#sign = sign ?? now();
    this.#left = left;
    this.#offset = now() - performance.now();
    // Since then, the clock may have been set right, or an operator may have accepted it.
    if (this.#left > 0 && isDoubtful(now(), this.#sign)) this.#tellDoubt();
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

  /** What is to be written. */
  get kept(): { readonly sign: number; readonly left: number } {
    return { sign: this.#sign, left: Math.ceil(this.#left) };
  }

  written(): void {
    this.#writtenAt = performance.now();
  }

  /** Somebody else has written a sign of life: an operator may have accepted the clock. */
  heard(sign: number): void {
    this.#sign = Math.max(this.#sign, sign);
    this.#look();
  }

  #look(): void {
    const now = this.#now();
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
      { clock: new Date(this.#now()).toISOString(), lastSign: new Date(this.#sign).toISOString() },
      messages.clockDoubted,
    );
  }
}

/** True where a clock that says `now` is in doubt, by the last sign of life that there is. */
export function isDoubtful(now: number, sign: number | null): boolean {
  return sign !== null && now - sign > farthest;
}
