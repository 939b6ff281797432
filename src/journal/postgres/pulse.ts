import type { Queryable } from './connection.ts';

/** Milliseconds between two looks: while no other daemon lives, and while one does. */
const usual = 250;
const beside = 15;

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
  /** Some route is nobody's. */
  readonly onFree: () => void;
  /** As often, where another daemon doesn't make it more often. */
  readonly every?: number | undefined;
}

interface Found {
  readonly head: number;
  readonly signal: number;
  readonly free: boolean;
}

const look = `SELECT (SELECT last FROM appends ORDER BY last DESC LIMIT 1) AS head,
  (SELECT number FROM signals ORDER BY number DESC LIMIT 1) AS signal,
  EXISTS (SELECT FROM routes WHERE holder IS NULL) AS free`;

/** Looks again and again for what is new, with one statement: it works wherever a connection does. */
export class Pulse {
  readonly #options: Options;
  #seen: number;
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

  /** What was announced before may come again. */
  forget(): void {
    this.#seen = -1;
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
    const { database, onHead, onSignals, onFree } = this.#options;
    const [found] = await database.query<Found>(look);
    if (found === undefined || this.#isClosed) return;
    onHead(found.head);
    if (found.free) onFree();
    if (found.signal === this.#seen) return;
    const signals = await database.query<Signal>(
      'SELECT number, kind, route FROM signals WHERE number > $1 ORDER BY number',
      [this.#seen],
    );
    await onSignals(signals);
    this.#seen = found.signal;
  }
}
