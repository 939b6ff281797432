import type { Logger } from 'pino';
import { messages } from '../common/messages.ts';
import { truncateUtf8 } from '../common/text/format.ts';
import type { ActName, ActProgress, ActSelection, AuditedAct, Operator } from './operator-store.ts';

/** Bytes that a name may have, and ids and other values that are kept of a selection. */
const longestName = 200;
const mostValues = 20;
const longestValue = 200;
const longestProblem = 1_000;

/** A script that acts again and again fills nothing. */
export const mostActs = 100_000;

/** Whatever names were given, a row stays small. */
export function audited({ who, from }: Operator): Operator {
  return { who: truncateUtf8(who, longestName), from: truncateUtf8(from, longestName) };
}

/** However much was said on a command line, a row stays small. */
export function selectionText(selection: ActSelection): string {
  const text = (value: unknown) => (typeof value === 'string' ? truncateUtf8(value, longestValue) : value);
  const bounded = Object.entries(selection).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.slice(0, mostValues).map(text) : text(value),
  ]);
  return JSON.stringify(Object.fromEntries(bounded));
}

/** Of an act that has just begun. */
export const begun: ActProgress = { total: null, isOver: false, problem: null };

export function progressText({ problem, ...progress }: ActProgress): string {
  return JSON.stringify({ ...progress, problem: problem && truncateUtf8(problem, longestProblem) });
}

/** @param row of the table, with its columns' names */
export function actOf(row: Record<string, unknown>): AuditedAct {
  return {
    number: Number(row.number),
    at: Number(row.at),
    who: String(row.who),
    from: String(row.origin),
    act: row.act as ActName, // as it was written
    selection: JSON.parse(String(row.selection)) as ActSelection, // as `selectionText` made it
    count: Number(row.count),
    progress: typeof row.progress === 'string' ? (JSON.parse(row.progress) as ActProgress) : null, // as `progressText` made it
  };
}

/** Tells a daemon's log what operators have done beside it: what was done before it was started, it doesn't. */
export class ActReporter {
  readonly #log: Logger;
  /** The last act that was told, and how much it had changed by then. */
  #last: number;
  #count: number;

  constructor(newest: Pick<AuditedAct, 'number' | 'count'> | null, log: Logger) {
    this.#log = log;
    this.#last = newest?.number ?? 0;
    this.#count = newest?.count ?? 0;
  }

  /** Acts are wanted from this number on. */
  get from(): number {
    return this.#last;
  }

  /** A large act goes on for some looks, and is told with what it has changed by then. */
  tell(acts: readonly AuditedAct[]): void {
    for (const { number, at: _, act, progress, ...rest } of acts) {
      if (number < this.#last || (number === this.#last && rest.count === this.#count)) continue;
      // One that has begun is told with what it has changed first.
      if (progress !== null && !progress.isOver && rest.count === 0) continue;
      this.#log.info({ act, ...rest }, messages.acted);
      this.#last = number;
      this.#count = rest.count;
    }
  }
}
