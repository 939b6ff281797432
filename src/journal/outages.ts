import type { BrokerName, OutageLog } from './journal.ts';

/** One that begins so soon after another of its broker goes on as that one, in milliseconds: a broker may flap for days. */
export const joinedWithin = 60_000;

/** The newest are kept. */
export const mostOutages = 10_000;

/** A daemon that is started again so soon, in milliseconds, was hardly away: signs of life are written once a minute. */
export const shortestStop = 90_000;

export const notRunning = 'kazoo-relay did not run';

export type OutageChange = { readonly of: BrokerName } & (
  | { readonly since: number; readonly reason: string; readonly code: number | string | null }
  | { readonly until: number }
);

/** What is told of brokers, until a store has written it: what comes while it writes is for the next time. */
export class OutageChanges implements OutageLog {
  #waiting: OutageChange[] = [];
  #writing: OutageChange[] = [];

  brokerAway(of: BrokerName, since: number, reason: string, code: number | string | null): void {
    this.#waiting.push({ of, since, reason, code });
  }

  brokerBack(of: BrokerName, until: number): void {
    this.#waiting.push({ of, until });
  }

  get isDue(): boolean {
    return this.#waiting.length > 0 || this.#writing.length > 0;
  }

  /** In their order: also what was to be written when that failed. */
  toWrite(): readonly OutageChange[] {
    this.#writing.push(...this.#waiting.splice(0));
    return this.#writing;
  }

  written(): void {
    this.#writing = [];
  }
}
