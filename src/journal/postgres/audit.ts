import type { Logger } from 'pino';
import { ActReporter, actOf, audited, begun, progressText, selectionText } from '../audit.ts';
import type { ActName, ActProgress, ActSelection, AuditedAct, Operator } from '../operator-store.ts';
import type { Queryable } from './connection.ts';
import { isConflict } from './failure.ts';

/** Of a step that is in the way of somebody else's, and they of it. */
const mostTries = 5;

/** Work of one statement: the last of its CTEs is named `step`, and has how much was `changed`. */
interface Step {
  readonly act: ActName;
  readonly ctes: string;
  readonly values: readonly unknown[];
  /** That it is about, where it is one. */
  readonly route?: string;
  /** Whether what it changes counts in the audit. */
  readonly isCounted?: boolean;
}

/**
 * One act: each step is one statement, which changes something, counts it in the audit and tells the daemons, or does
 * nothing at all. One for each kind of change, the rows are made with the first step that changes anything.
 */
export class ActSteps {
  readonly #database: Queryable;
  readonly #operator: Operator;
  readonly #selection: string;
  readonly #numbers = new Map<ActName, number>();
  #begun: ActName | undefined;

  constructor(database: Queryable, operator: Operator, selection: ActSelection) {
    this.#database = database;
    this.#operator = audited(operator);
    this.#selection = selectionText(selection);
  }

  /** Returns how much was changed. @throws JournalError, and nothing is */
  async do(step: Step): Promise<number> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#try(step);
      } catch (error) {
        // A daemon that settles changes the same records in an order of its own.
        if (!isConflict(error) || tries === mostTries) throw error;
      }
    }
  }

  /** Makes the row of an act before there is anything to count; it is the one that `tell` is about. */
  async begin(act: ActName, route: string | null): Promise<number> {
    this.#begun = act;
    return this.#note(act, route, begun);
  }

  async tell(progress: ActProgress, route: string | null): Promise<void> {
    if (this.#begun !== undefined) await this.#note(this.#begun, route, progress);
  }

  async #note(act: ActName, route: string | null, progress: ActProgress): Promise<number> {
    const { who, from } = this.#operator;
    const [row] = await this.#database.query<{ number: number }>(
      'SELECT note_act($1::bigint, $2, $3, $4, $5, 0, $6, $7) AS number',
      [this.#numbers.get(act) ?? null, who, from, act, this.#selection, route, progressText(progress)],
    );
    const number = row?.number ?? 0;
    this.#numbers.set(act, number);
    return number;
  }

  async #try({ act, ctes, values, route, isCounted = true }: Step): Promise<number> {
    const { who, from } = this.#operator;
    const first = values.length + 1;
    const [number, name, origin, kind, selection, about] = Array.from({ length: 6 }, (_, index) => `$${first + index}`);
    const [row] = await this.#database.query<{ changed: number; number: number | null }>(
      `WITH ${ctes}
       SELECT changed, CASE WHEN changed > 0 THEN note_act(${number}::bigint, ${name}, ${origin}, ${kind}, ${selection},
         ${isCounted ? 'changed' : '0'}, ${about}) END AS number FROM step`,
      [...values, this.#numbers.get(act) ?? null, who, from, act, this.#selection, route ?? null],
    );
    if (typeof row?.number === 'number') this.#numbers.set(act, row.number);
    return row?.changed ?? 0;
  }
}

/** Oldest first: the newest `limit` ones since a time. */
export async function actsSince(database: Queryable, since: number, limit: number): Promise<AuditedAct[]> {
  const rows = await database.query<Record<string, unknown>>(
    'SELECT * FROM audit WHERE at >= $1 ORDER BY number DESC LIMIT $2',
    [since, limit],
  );
  return rows.map(actOf).reverse();
}

export async function actAt(database: Queryable, number: number): Promise<AuditedAct | null> {
  const [row] = await database.query<Record<string, unknown>>('SELECT * FROM audit WHERE number = $1', [number]);
  return row === undefined ? null : actOf(row);
}

/**
 * Tells the daemon's log what operators have done. Each daemon does so: whoever reads the log of one machine finds there
 * what was decided of the routes that ran on it.
 */
export class Acts {
  readonly #database: Queryable;
  readonly #reporter: ActReporter;

  private constructor(database: Queryable, reporter: ActReporter) {
    this.#database = database;
    this.#reporter = reporter;
  }

  static async open(database: Queryable, log: Logger): Promise<Acts> {
    const [newest] = await actsSince(database, 0, 1);
    return new Acts(database, new ActReporter(newest ?? null, log));
  }

  /** @throws JournalError */
  async look(): Promise<void> {
    const rows = await this.#database.query<Record<string, unknown>>(
      'SELECT * FROM audit WHERE number >= $1 ORDER BY number LIMIT 1000',
      [this.#reporter.from],
    );
    this.#reporter.tell(rows.map(actOf));
  }
}
