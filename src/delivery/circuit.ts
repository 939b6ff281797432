import type { Logger } from 'pino';
import { ExponentialBackoff } from '../common/async/loop.ts';
import { messages } from '../common/messages.ts';

export interface CircuitOptions {
  /** Attempts in a row that fail and open it. */
  readonly failures: number;
  /** The number of equal consecutive refusals that open it, at least 2, because one may be about the notification. */
  readonly refusals: number;
  /** Milliseconds that the pauses between probes grow to. */
  readonly maxPause: number;
}

/**
 * `open`: nothing goes out until the next probe; `probing`: one delivery goes out, to see whether the sink is back, then
 * two, and so on.
 */
export type CircuitState = 'closed' | 'open' | 'probing';

/** The reason why it is not closed, from an outcome. */
export interface Trouble {
  readonly reason: string;
  readonly code?: number | string | undefined;
}

const firstPause = 500;

/** Keeps a route from throwing its deliveries at a sink that is away, and from using up their tries. */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #pauses: ExponentialBackoff;
  #failures = 0;
  #refusals = 0;
  #refusal: Trouble['code'];
  #state: CircuitState = 'closed';
  #trouble: Trouble | undefined;
  #openedAt = 0;
  #closedAt = 0;
  #since = Date.now();
  #probeAt = 0;
  #probeSize = 1;
  /** Milliseconds of the last pause between probes. */
  #pause = 0;

  constructor(options: CircuitOptions) {
    this.#options = options;
    this.#pauses = new ExponentialBackoff(firstPause, options.maxPause);
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Since when it is closed, or isn't, in Unix milliseconds. */
  get since(): number {
    return this.#since;
  }

  /** Why it is not closed. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Milliseconds until the next probe; 0 where it is not open. */
  get probeIn(): number {
    return this.#state === 'open' ? Math.max(0, this.#probeAt - performance.now()) : 0;
  }

  /** How many deliveries the next probe may take. */
  get probeSize(): number {
    return this.#probeSize;
  }

  /** Milliseconds for which it hasn't been closed. */
  get openFor(): number {
    return this.#state === 'closed' ? 0 : performance.now() - this.#openedAt;
  }

  /** Begins a probe when its time has come. */
  tick(): void {
    if (this.#state === 'open' && this.probeIn === 0) this.#state = 'probing';
  }

  /**
   * Somebody has mended the sink: the next probe is due now, and should it fail, others follow soon. Returns true where
   * it was not closed.
   */
  hasten(): boolean {
    this.#pauses.reset();
    if (this.#state === 'open') this.#probeAt = performance.now();
    return this.#state !== 'closed';
  }

  /**
   * The sink has answered, whatever it said. Returns true where that closed it.
   * @param tried deliveries that it was given
   * @param isMost whether no attempt would give it more
   */
  answered(tried: number, isMost: boolean): boolean {
    this.#failures = 0;
    this.#refusals = 0;
    if (this.#state === 'closed') return false;
    // A full disk has room for one, and then not for a batch: it isn't back before it takes that too. A probe that could
    // have taken more had all that there was; what has come since would keep the circuit from closing for ever.
    if (!isMost && tried >= this.#probeSize) {
      this.#state = 'probing';
      this.#probeSize = 2 * tried;
      return false;
    }
    this.#state = 'closed';
    this.#trouble = undefined;
    this.#closedAt = performance.now();
    this.#since = Date.now();
    return true;
  }

  /**
   * An attempt failed for a reason that doesn't seem to be its own. Returns true where that opened it.
   * @param asked milliseconds that the sink has asked to be left alone for
   */
  failed(trouble: Trouble, asked = 0): boolean {
    // Others that were on their way with the same end don't postpone the probe.
    if (this.#state === 'open') return false;
    this.#failures += 1;
    if (this.#state === 'closed' && this.#failures < this.#options.failures) return false;
    return this.open(trouble, { asked });
  }

  /**
   * The sink has refused, perhaps not because of the notification. Returns true if that opened the circuit: after
   * several equal refusals, or during a probe.
   */
  refused(trouble: Trouble): boolean {
    this.#failures = 0;
    this.#refusals = trouble.code === this.#refusal ? this.#refusals + 1 : 1;
    this.#refusal = trouble.code;
    if (this.#state === 'closed' && this.#refusals < Math.max(2, this.#options.refusals)) return false;
    return this.open(trouble);
  }

  /**
   * The sink said that it is away. Returns true where it was not known. Times are milliseconds.
   * @param pause until the next probe, where the sink knows better than growing pauses
   * @param asked how long it has asked to be left alone
   */
  open(trouble: Trouble, { pause, asked = 0 }: { pause?: number | undefined; asked?: number } = {}): boolean {
    if (this.#state === 'open') return false;
    this.#probeAt = performance.now() + (pause ?? Math.max(asked, this.#nextPause()));
    const isNew = this.#state === 'closed';
    if (isNew) {
      this.#openedAt = performance.now();
      this.#since = Date.now();
    }
    this.#state = 'open';
    this.#probeSize = 1;
    this.#trouble = trouble;
    return isNew;
  }

  /** A sink that was back for no longer than the pause before is in the same trouble still: pauses go on growing. */
  #nextPause(): number {
    if (this.#state === 'closed' && performance.now() - this.#closedAt > this.#pause) this.#pauses.reset();
    this.#pause = this.#pauses.next();
    return this.#pause;
  }
}

/** More accounts than this are not kept apart: a refusal of one more is a dead letter. */
const mostAccounts = 1_000;

/** The same for each account that a sink refuses: what belongs to the others goes on. */
export class AccountCircuits {
  readonly #options: CircuitOptions;
  readonly #log: Logger;
  /** Of accounts that were refused and not served since. */
  readonly #circuits = new Map<string, Circuit>();

  constructor(options: CircuitOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  get size(): number {
    return this.#circuits.size;
  }

  /** How many of them wait for a probe, or have one on its way. */
  get refusing(): number {
    return [...this.#circuits.values()].filter(({ state }) => state !== 'closed').length;
  }

  /** Until when nothing of that account may be tried, in milliseconds from now, and why; undefined where it may be now. */
  holdOf(account: string | null): { readonly wait: number; readonly reason: string } | undefined {
    const circuit = account === null ? undefined : this.#circuits.get(account);
    circuit?.tick();
    if (circuit === undefined || circuit.probeIn === 0) return undefined;
    return { wait: circuit.probeIn, reason: `the sink refuses its account: ${circuit.trouble?.reason ?? 'unknown'}` };
  }

  /** Returns the milliseconds that refused deliveries must wait; undefined if there weren't several refusals. */
  refused(account: string | null, trouble: Trouble): number | undefined {
    if (account === null) return undefined;
    let circuit = this.#circuits.get(account);
    if (circuit === undefined) {
      if (this.#circuits.size >= mostAccounts) return undefined;
      circuit = new Circuit(this.#options);
      this.#circuits.set(account, circuit);
    }
    if (circuit.refused(trouble)) this.#log.warn({ account, reason: trouble.reason }, messages.accountRefused);
    return circuit.state === 'open' ? circuit.probeIn : undefined;
  }

  /** The sink has taken something of that account. */
  served(account: string | null): void {
    if (account === null) return;
    const wasOpen = (this.#circuits.get(account)?.openFor ?? 0) > 0;
    if (this.#circuits.delete(account) && wasOpen) this.#log.info({ account }, messages.accountServed);
  }

  /** Somebody has mended the sink. */
  hasten(): void {
    for (const circuit of this.#circuits.values()) circuit.hasten();
  }
}
