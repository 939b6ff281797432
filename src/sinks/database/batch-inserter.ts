import { unlessAborted } from '../../common/async/abort.ts';
import { delivered, type Outcome } from '../sink.ts';
import type { Database } from './dialect.ts';
import type { ClassifiedError } from './errors.ts';
import type { Row } from './row.ts';

/** How often rows are tried at once where two transactions were in each other's way. */
const triesInConflict = 3;

/** For how long it is looked for the row that is at fault, in statements that take as long as one may. */
const patience = 3;

/** How many rows are remembered because they failed by themselves. */
const mostFailed = 1_000;

/**
 * Stores rows with one statement, and if that fails, finds the cause: a row, or the database. An ambiguous error (a
 * statement that takes too long, because of an overloaded server or of a trigger that hangs at one row) is attributed
 * to a row if others were stored before or after it failed alone; otherwise the database counts as unavailable.
 */
export class BatchInserter {
  readonly #database: Database;
  readonly #patience: number;
  readonly #mustFit: () => Promise<unknown>;
  /** How many rows have been stored; and by the id of a row that failed by itself, how many they were by then. */
  #stored = 0;
  readonly #failed = new Map<string, number>();

  /**
   * @param statementTimeout milliseconds
   * @param mustFit looks at the table, and rejects where it can take no row at all
   */
  constructor(database: Database, statementTimeout: number, mustFit: () => Promise<unknown>) {
    this.#database = database;
    this.#mustFit = mustFit;
    this.#patience = patience * statementTimeout;
  }

  /** How many rows have been stored. */
  get stored(): number {
    return this.#stored;
  }

  /**
   * Gives each row its outcome. Throws what is not a row's fault: those that have none by then were not stored.
   * @param before `stored` when their batch came, of which they may be a part
   */
  async insert(rows: readonly Row[], signal: AbortSignal, outcomes: Map<Row, Outcome>, before: number): Promise<void> {
    const until = performance.now() + this.#patience;
    let hasLooked = false;
    const store = async (some: readonly Row[]): Promise<void> => {
      const failure = await this.#insert(some, signal);
      const [first, ...others] = some;
      if (failure === undefined) {
        this.#stored += some.length;
        for (const row of some) outcomes.set(row, delivered);
      } else if (first !== undefined && others.length === 0) {
        if (failure.classified.kind === 'row' && !hasLooked) {
          // The table may have been changed so that each row would be a dead letter. Once a batch: looking takes a while.
          hasLooked = true;
          await unlessAborted(this.#mustFit(), signal);
        }
        outcomes.set(first, this.#outcomeOf(first, failure, before));
      } else if (failure.classified.kind === 'row') {
        for (const half of halvesOf(some)) await store(half);
      } else if (performance.now() > until) {
        throw failure.error;
      } else for (const part of growingPartsOf(some)) await store(part);
    };
    await store(rows);
  }

  /**
   * Returns undefined if all rows are stored, otherwise an error that one of them may have caused. Throws any other
   * error.
   */
  async #insert(rows: readonly Row[], signal: AbortSignal): Promise<Failure | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#database.insert(rows, signal);
        return undefined;
      } catch (error) {
        const classified = await this.#classify(error, signal);
        if (classified.kind === 'database' || signal.aborted) throw error;
        if (classified.kind !== 'conflict' || tries === triesInConflict) return { classified, error };
      }
    }
  }

  /** Where the connection was cut and the server is there, it may have been for a row. */
  async #classify(error: unknown, signal: AbortSignal): Promise<ClassifiedError> {
    const classified = this.#database.classifyError(error);
    if (classified.kind !== 'connection') return classified;
    const isThere = await unlessAborted(this.#database.introspect(), signal).then(
      () => true,
      () => false,
    );
    return isThere
      ? { ...classified, kind: 'unclear', reason: `${classified.reason}, though the server is there` }
      : { ...classified, kind: 'database' };
  }

  /** Of a row that failed by itself. @param before how many had been stored when its batch came */
  #outcomeOf({ id }: Row, { classified, error }: Failure, before: number): Outcome {
    const { reason, code } = classified;
    const details = { reason, ...(code === undefined ? {} : { code }) };
    if (classified.kind === 'row') return { status: 'dead', ...details };
    const known = this.#failed.get(id) ?? before;
    this.#remember(id);
    if (this.#stored === known) throw error;
    return { status: 'retry', ...details, away: true };
  }

  #remember(id: string): void {
    this.#failed.delete(id);
    this.#failed.set(id, this.#stored);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > mostFailed && oldest !== undefined) this.#failed.delete(oldest);
  }
}

interface Failure {
  readonly classified: ClassifiedError;
  readonly error: unknown;
}

function halvesOf<T>(identifierList: readonly T[]): (readonly T[])[] {
  const middle = Math.ceil(identifierList.length / 2);
  return [identifierList.slice(0, middle), identifierList.slice(middle)];
}

/** One, two, four and so on: where the database is away, that shows with the first; else most are stored soon. */
function* growingPartsOf<T>(identifierList: readonly T[]): Generator<readonly T[]> {
  for (let start = 0, size = 1; start < identifierList.length; start += size, size *= 2)
    yield identifierList.slice(start, start + size);
}
