import { Histogram } from '../common/stats.ts';
import type { Entry } from '../notification/entry.ts';
import type { Outcome } from '../sinks/sink.ts';

/*
 * Seconds. Each bound is a series for each route, and one more is without end: of all that a scrape brings, these are most.
 */
/** After an outage it is days. */
const deliveryBounds = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300, 3_600, 21_600, 86_400];
const attemptBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60];

/** How many codes are counted separately, because a receiver may invent any number of them. */
const mostCodes = 40;

/** What a route has tried since the start, in plain numbers. */
export class RouteCounts {
  /** How single deliveries went, each time they were tried. */
  readonly tries = { delivered: 0, retry: 0, dead: 0 };
  /** Of those that weren't delivered, how many had which code; `none` where they had none, `other` beyond 40 codes. */
  readonly failures = new Map<string, number>();
  /** Batches that came back whole, because the sink was away. */
  unavailable = 0;
  /** Dead letters, given up by the sink or at the end of their tries. */
  dead = 0;
  /** How often the circuit has opened. */
  opened = 0;
  /** Seconds from a notification's arrival at the daemon to its delivery. */
  readonly sinceReceived = new Histogram(deliveryBounds);
  /** Seconds that the sink took for a batch. */
  readonly attempts = new Histogram(attemptBounds);

  /** @param end when the sink answered, in Unix milliseconds */
  concluded({ header }: Entry, outcome: Outcome, end: number): void {
    this.tries[outcome.status] += 1;
    if (outcome.status === 'delivered') this.sinceReceived.add((end - header.receivedAt) / 1_000);
    else this.#failed(String(outcome.code ?? 'none'));
  }

  #failed(code: string): void {
    const told = this.failures.has(code) || this.failures.size < mostCodes ? code : 'other';
    this.failures.set(told, (this.failures.get(told) ?? 0) + 1);
  }
}

/** A condition that fails on everything. */
export interface ConditionTrouble {
  /** On how many in a row. */
  readonly count: number;
  /** When the first of them came in, in Unix milliseconds. */
  readonly since: number;
  /** Why it failed on the last one. */
  readonly reason: string;
}

/** How the condition of a route fares. That it fails on one now and then is no trouble: a field may be missing there. */
export class ConditionHealth {
  failures = 0;
  #inARow = 0;
  #since = 0;
  #reason = '';
  #hasSucceeded = false;

  /** @param failure null where it could be evaluated */
  evaluated(failure: string | null, receivedAt: number): void {
    if (failure === null) {
      this.#inARow = 0;
      this.#hasSucceeded = true;
      return;
    }
    if (this.#inARow === 0) this.#since = receivedAt;
    this.failures += 1;
    this.#inARow += 1;
    this.#reason = failure;
  }

  get trouble(): ConditionTrouble | null {
    if (this.#inARow < (this.#hasSucceeded ? manyInARow : fewestInARow)) return null;
    return { count: this.#inARow, since: this.#since, reason: this.#reason };
  }
}

const manyInARow = 10;
/** Where it has never succeeded. */
const fewestInARow = 3;
