import type { Logger } from 'pino';
import { ClockJudge, isDoubtful } from '../clock.ts';
import type { Clock, ClockDoubt } from '../journal.ts';
import type { Companion } from './companions.ts';
import type { Queryable } from './connection.ts';
import { ttl } from './lease.ts';

/** Milliseconds: a Unix time, and of running. */
interface Signs {
  readonly sign: number | null;
  readonly left: number;
}

/** While the clock is in doubt, what is left of that is written so often, in milliseconds. */
const writtenEvery = 600_000;

/**
 * The database's clock, judged by what the journal knows. Nothing is written of it while it is believed: appends and beats
 * are signs of life. While it is in doubt, the last one that was believed stays written.
 */
export class SharedClock implements Clock, Companion {
  readonly #database: Queryable;
  readonly #judge: ClockJudge;
  readonly #skew: () => number;
  /** What is written of a doubt: how long it lasts. */
  #written: number;

  private constructor(database: Queryable, judge: ClockJudge, skew: () => number, left: number) {
    this.#database = database;
    this.#judge = judge;
    this.#skew = skew;
    this.#written = left;
  }

  /**
   * @param kept what `signsIn` gave before the daemon's own first sign of life
   * @param now the database's time, in Unix milliseconds; @param skew how far this machine's clock is ahead of it
   */
  static async open(
    database: Queryable,
    kept: Signs,
    { now, skew }: { readonly now: () => number; readonly skew: () => number },
    log: Logger,
  ): Promise<SharedClock> {
    const clock = new SharedClock(database, new ClockJudge(kept, now, log), skew, kept.left);
    if (clock.isDue) await clock.write();
    return clock;
  }

  /** What this machine keeps goes by its own clock, which the database's vouches for where they are near each other. */
  get isTrusted(): boolean {
    return this.#judge.isTrusted && !isDoubtful(Math.abs(this.#skew()), 0);
  }

  get doubt(): ClockDoubt | null {
    return this.#judge.doubt;
  }

  /** True where others are to know of a doubt, or of its end. */
  get isDue(): boolean {
    const { left } = this.#judge.kept;
    if (this.#judge.doubt === null) return this.#written > 0;
    return this.#written === 0 || this.#written - left >= writtenEvery;
  }

  /** @throws JournalError */
  async write(): Promise<void> {
    const { sign, left } = this.#judge.kept;
    // Another daemon may have believed it by now, or an operator.
    await this.#database.query(
      left === 0
        ? `WITH gone AS (DELETE FROM facts WHERE name = '${leftName}' AND $2::bigint = 0) ${saveSign}`
        : `WITH kept AS (INSERT INTO facts (name, value) VALUES ('${leftName}', $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value) ${saveSign}`,
      [sign, left],
    );
    this.#written = left;
    this.#judge.written();
  }

  /** An operator may have accepted the clock, or another daemon believe it. @throws JournalError */
  async lookAgain(): Promise<void> {
    if (this.#judge.doubt === null) return;
    this.#judge.heard((await factsIn(this.#database)).get(signName) ?? 0);
  }
}

const signName = 'last_sign_of_life';
const leftName = 'clock_doubted_for';

const saveSign = `INSERT INTO facts AS f (name, value) VALUES ('${signName}', $1)
  ON CONFLICT (name) DO UPDATE SET value = greatest(f.value, excluded.value)`;

/** An operator's step: from now on the clock is believed as it is. */
export const acceptedClock = `done AS (INSERT INTO facts (name, value) VALUES ('${signName}', now_ms())
  ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING 1), step AS (SELECT count(*) AS changed FROM done)`;

/** The last sign of life, where the database's clock is in doubt by it; else null. */
export async function clockDoubt(database: Queryable): Promise<number | null> {
  const { sign } = await signsIn(database);
  const [row] = await database.query<{ now: number }>('SELECT now_ms() AS now');
  return row !== undefined && isDoubtful(row.now, sign) ? sign : null;
}

/** What the journal knows of the time: the last sign of life that is believed, and for how long a doubt of it still lasts. */
export async function signsIn(database: Queryable): Promise<Signs> {
  const facts = await factsIn(database);
  const left = facts.get(leftName);
  const sign = facts.get(signName) ?? null;
  // What came in while the clock was in doubt has its time.
  if (left !== undefined) return { sign, left };
  const [row] = await database.query<{ sign: number | null }>(
    'SELECT greatest($1::bigint, last_life(NULL, $2), (SELECT at FROM appends WHERE rows > 0 ORDER BY last DESC LIMIT 1)) AS sign',
    [sign, ttl],
  );
  return { sign: row?.sign ?? null, left: 0 };
}

async function factsIn(database: Queryable): Promise<ReadonlyMap<string, number>> {
  const rows = await database.query<{ name: string; value: number }>(
    'SELECT name, value FROM facts WHERE name = ANY ($1)',
    [[signName, leftName]],
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
}
