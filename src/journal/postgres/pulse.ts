import type { Queryable } from './connection.ts';

/** Milliseconds between two looks: while no other daemon lives, and while one does. */
const usual = 250;
const beside = 10;

/** What somebody has announced, in the order of visibility. */
export interface Signal {
  readonly number: number;
  readonly kind: 'changed' | 'probe';
  readonly route: string | null;
}

interface Options {
  readonly database: Queryable;
  /** Whether another daemon lives, which appends and announces as we do. */
  readonly isShared: () => boolean;
  readonly onHead: (head: number) => void;
  readonly onSignals: (signals: readonly Signal[]) => Promise<void> | void;
  /** The routes that this daemon waits for; and what is told when one of them has become nobody's. */
  readonly waiting: () => readonly string[];
  readonly onFree: () => void;
  /** As often, where another daemon doesn't make it more often. */
  readonly every?: number | undefined;
}

interface Found {
  readonly head: number;
  readonly signal: number;
  readonly free: readonly string[];
}

const look = `SELECT (SELECT last FROM appends ORDER BY last DESC LIMIT 1) AS head,
  (SELECT number FROM signals ORDER BY number DESC LIMIT 1) AS signal,
  ARRAY(SELECT route FROM routes WHERE holder IS NULL AND route = ANY ($1)) AS free`;

/** Looks again and again for what is new, with one statement: it works wherever a connection does. */
export class Pulse {
  readonly #options: Options;
  #seen: number | null;
  #free: ReadonlySet<string> = new Set();
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  /** @param seen the newest signal that is known */
  constructor(options: Options, seen: number) {
    this.#options = options;
    this.#seen = seen;
    this.#schedule();
  }

  /** Looks at once. */
  look(): Promise<void> {
    this.#again = true;
    clearTimeout(this.#timer);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
    return this.#running;
  }

  /** What is announced from now on may have numbers that were seen: anything may have changed. */
  forget(): void {
    this.#seen = null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    const { isShared, every = usual } = this.#options;
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), isShared() ? Math.min(beside, every) : every);
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#isClosed) {
      this.#again = false;
      // A database that is away is told of by whoever needs it to go on.
      await this.#look().catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const { database, waiting, onHead, onSignals, onFree } = this.#options;
    const [found] = await database.query<Found>(look, [waiting()]);
    if (found === undefined || this.#isClosed) return;
    onHead(found.head);
    // One that stays free is beyond this daemon's share.
    if (found.free.some((route) => !this.#free.has(route))) onFree();
    this.#free = new Set(found.free);
    if (this.#seen === null) {
      await onSignals([{ number: found.signal, kind: 'changed', route: null }]);
      this.#seen = found.signal;
    }
    if (found.signal === this.#seen) return;
    const signals = await database.query<Signal>(
      'SELECT number, kind, route FROM signals WHERE number > $1 ORDER BY number',
      [this.#seen],
    );
    await onSignals(signals);
    // Some may have come since the first question.
    this.#seen = signals.at(-1)?.number ?? found.signal;
  }
}
