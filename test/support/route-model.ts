import { type Order, restartedAt, type Settlement } from '../../src/journal/route-session.ts';
import type { Notification } from '../../src/notification/notification.ts';

/** What the model knows of a notification. */
export interface Known {
  readonly id: string;
  readonly seq: number;
  readonly account: string | null;
  readonly invalid: boolean;
  state: 'open' | 'delivered' | 'dead' | 'quarantined' | 'dropped' | 'erased';
  /** When an operator brought it back last, or 0: then others have passed it, and it has lost its place in the order. */
  revivedAt: number;
  /** Since when it is dropped or brought back, by the monotonic clock: the route may not know it yet. */
  changedAt: number;
  /** It was delivered by an attempt that may have begun before it was brought back: it may come once more. */
  mayRepeat: boolean;
  /** The sink has had it. */
  wasGiven: boolean;
  /** The attempt that it is in goes on, with a half of its batch at a time: the sink has thrown. */
  halved: boolean;
  /** How often the sink has taken it. */
  taken: number;
}

/** What stands on disk of a route. */
export interface OnDisk {
  readonly cursor: number;
  /** Their states, by entry. */
  readonly lines: ReadonlyMap<number, string>;
  /** Dropped, or settled beyond the cursor. */
  readonly handled: ReadonlySet<number>;
}

/** What has become of each notification, in a few lines; it complains where a route does what can't be right. */
export class RouteModel {
  readonly complaints = new Set<string>();
  readonly known: Known[] = [];
  readonly #byId = new Map<string, Known>();
  /** Since when an operator has paused the route, by the monotonic clock. */
  pausedAt = Number.POSITIVE_INFINITY;
  /** Within so many milliseconds a route knows what an operator has dropped, or that it is paused. */
  readonly #lookEvery: number;

  constructor(lookEvery: number) {
    this.#lookEvery = lookEvery;
  }

  get last(): number {
    return this.known.length;
  }

  at(seq: number): Known | undefined {
    return this.known[seq - 1];
  }

  withId(id: string): Known | undefined {
    return this.#byId.get(id);
  }

  arrived({ header: { id, accountId }, state }: Notification): void {
    const invalid = state === 'invalid';
    const known: Known = {
      id,
      seq: this.last + 1,
      account: accountId,
      invalid,
      state: invalid ? 'quarantined' : 'open',
      revivedAt: 0,
      changedAt: Number.NEGATIVE_INFINITY,
      mayRepeat: false,
      wasGiven: false,
      halved: false,
      taken: 0,
    };
    this.known.push(known);
    this.#byId.set(id, known);
  }

  /** Whether the sink may get this one now. @param others it has them already, from the same session */
  goesOut(known: Known, order: Order, others: readonly Known[]): void {
    const { seq, account, state } = known;
    if (!known.halved && performance.now() - this.pausedAt > this.#lookEvery)
      this.#complain(known, 'goes out though the route is paused');
    const isUnknown = known.halved || performance.now() - known.changedAt <= this.#lookEvery;
    const mayGoOn = known.mayRepeat || ((state === 'dropped' || state === 'erased') && isUnknown);
    if (known.mayRepeat) known.state = 'open';
    known.mayRepeat = isUnknown && known.state === 'open' && known.revivedAt > 0;
    known.halved = false;
    if (state !== 'open' && !mayGoOn) this.#complain(known, `goes out though it is ${state}`);
    if (others.includes(known)) this.#complain(known, 'goes out twice at a time');
    if (order !== 'account' || account === null) return;
    if (others.some((other) => other.account === account))
      this.#complain(known, 'goes out beside another one of its account');
    if (known.revivedAt > 0) return;
    for (const other of this.known)
      if (other.account === account && other.seq < seq && other.state === 'open' && other.revivedAt === 0)
        this.#complain(known, `goes out before ${other.seq} of its account`);
  }

  /** These are one message. */
  goTogether(batch: readonly Known[]): void {
    for (const known of batch)
      if (known.account !== batch[0]?.account) this.#complain(known, 'is told of to another account');
  }

  /** Whether the sink is told rightly that it may have got it before, and isn't where an operator wants it again. */
  isGiven(id: string, asRepeat: boolean): void {
    const known = this.withId(id);
    // What is halved goes out again in the same attempt, with what was said of it at its start.
    if (known === undefined || known.halved) return;
    const { revivedAt, changedAt, wasGiven } = known;
    // The route may still have the one that was dropped before it was replayed; then the other one comes too.
    if (revivedAt > 0 && asRepeat && performance.now() - changedAt > this.#lookEvery)
      this.#complain(known, 'would be left out though an operator wants it again');
    if (revivedAt === 0 && wasGiven && !asRepeat) this.#complain(known, 'comes again as if it were new');
    known.wasGiven = true;
  }

  /** Only the route knows when it gives one up. */
  settled({ recorded }: Settlement): void {
    for (const { seq, state, attempts } of recorded) {
      const known = this.at(seq);
      const isOpen = known?.state === 'open' && known.revivedAt === restartedAt(attempts);
      if (isOpen && state === 'dead') known.state = 'dead';
    }
  }

  /** @param revivedAt as it was when the sink got it: one that was brought back since is to come again */
  delivered(known: Known, revivedAt: number | undefined): void {
    known.taken += 1;
    if (known.revivedAt === revivedAt && known.state !== 'erased') known.state = 'delivered';
  }

  revived(known: Known): void {
    known.state = 'open';
    known.revivedAt = Date.now();
    known.changedAt = performance.now();
    known.mayRepeat = false;
  }

  dropped(known: Known): void {
    known.state = 'dropped';
    known.mayRepeat = false;
    known.changedAt = performance.now();
  }

  /** All that there is of an account is gone, whatever has become of it. */
  erased(account: string): void {
    for (const known of this.known) {
      if (known.account !== account || known.state === 'erased') continue;
      this.dropped(known);
      known.state = 'erased';
    }
  }

  /** What the disk doesn't know is open again; and a session that begins now knows what was dropped. */
  begins({ cursor, lines, handled }: OnDisk): void {
    for (const known of this.known) {
      // The journal may still have it in memory.
      if (known.state === 'erased') continue;
      const line = lines.get(known.seq);
      known.halved = false;
      known.changedAt = Number.NEGATIVE_INFINITY;
      known.mayRepeat = false;
      if (known.state === 'dropped') continue;
      if (line === 'waiting') known.state = 'open';
      else if (line === undefined && known.seq > cursor && !handled.has(known.seq))
        known.state = known.invalid ? 'quarantined' : 'open';
    }
  }

  /** Whatever is open and behind the cursor must have a line of its own. */
  examine({ cursor, lines }: OnDisk): void {
    for (const known of this.known) {
      if (known.seq > cursor) break;
      if (known.state === 'open' && lines.get(known.seq) !== 'waiting')
        this.#complain(known, `was passed by the cursor, and is ${lines.get(known.seq) ?? 'gone'}`);
    }
  }

  /** What is still open, here or on disk. */
  unsettled({ cursor, lines }: OnDisk): string[] {
    const open = this.known.filter(({ state }) => state === 'open').map(({ seq }) => `${seq} is open`);
    const waiting = [...lines].filter(([, state]) => state === 'waiting').map(([seq]) => `${seq} waits`);
    const isBehind = cursor < this.last;
    return [...open, ...waiting, ...(isBehind ? [`the cursor stands at ${cursor}, not at ${this.last}`] : [])];
  }

  /** Where what the journal remembers of one is not what has become of it. @param ends of its deliveries, that were logged */
  misremembered(known: Known, ends: readonly string[]): string[] {
    const delivered = ends.filter((end) => end === 'delivered').length;
    const isEnd = known.state === 'delivered' || known.state === 'dropped';
    // What is dropped while it is with the sink stays dropped, whatever the sink does with it.
    return [
      ...(isEnd && !ends.includes(known.state) && !ends.includes('dropped')
        ? [`${known.seq} is ${known.state}, and not in the log`]
        : []),
      ...(delivered > known.taken
        ? [`${known.seq} is logged as delivered ${delivered} times, not ${known.taken}`]
        : []),
    ];
  }

  #complain({ seq }: Known, what: string): void {
    this.complaints.add(`${seq} ${what}`);
  }
}
