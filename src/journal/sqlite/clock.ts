import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { ClockJudge } from '../clock.ts';
import type { Clock, ClockDoubt } from '../journal.ts';
import type { Companion } from './companion.ts';

/** The clock of this machine, judged by what the journal knows; signs of life are written with what is written anyway. */
export class JournalClock implements Clock, Companion {
  readonly #judge: ClockJudge;
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;
  readonly #drop: StatementSync;

  constructor(database: DatabaseSync, log: Logger) {
    this.#database = database;
    this.#save = database.prepare(saveFact);
    this.#drop = database.prepare('DELETE FROM facts WHERE name = ?');
    const kept = { sign: lastSign(database), left: factIn(database, leftName) ?? 0 };
    this.#judge = new ClockJudge(kept, () => Date.now(), log);
  }

  get isTrusted(): boolean {
    return this.#judge.isTrusted;
  }

  get doubt(): ClockDoubt | null {
    return this.#judge.doubt;
  }

  get isDue(): boolean {
    return this.#judge.isDue;
  }

  write(): void {
    const { sign, left } = this.#judge.kept;
    this.#save.run(signName, sign);
    if (left === 0) this.#drop.run(leftName);
    else this.#save.run(leftName, left);
  }

  written(): void {
    this.#judge.written();
  }

  /** Somebody else has written to the journal. */
  lookAgain(): void {
    this.#judge.heard(factIn(this.#database, signName) ?? 0);
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
