import type { Model, Step } from './explore.ts';

/** Ways to hold a lease by which two daemons deliver for one route. */
export type LeaseBug =
  /** A renewal locks no route: a claim that looked before it goes on. */
  | 'renewal without a lock'
  /** A claim doesn't look again once it has the lock. */
  | 'no second look'
  /** The lease is counted from the answer to its renewal. */
  | 'from the answer'
  /** Nothing is left for what the local clock loses beside the database's. */
  | 'no margin'
  /** By a clock that is set. */
  | 'wall clock'
  /** Only a timer ends it, and a process that was stopped does other things before that. */
  | 'timer only'
  /** An answer counts though its call was given up. */
  | 'late answers'
  /** A renewal and a claim may be under way at once, and their answers come in any order. */
  | 'two calls at once';

/** In ticks, of which the local clock of a daemon may lose one within a lease. */
const ttl = 2;
const margin = 1;

interface State {
  readonly holder: 'it' | 'other' | null;
  /** What is left of the daemon's lease by the database's clock. */
  readonly lease: number;
  readonly daemon: Daemon;
  /** Where the claim of the other one is. */
  readonly claim: 'looked' | 'locked' | 'written' | null;
}

/** How many epochs ago; 0 is the route's. Those that are long over are one, so that there is an end to them. */
type Epoch = number | null;
const current = 0;
const longOver = 3;

interface Daemon {
  /** What is left of its lease by its own clock, as it believes. */
  readonly left: number;
  readonly session: Epoch;
  /** Under way; one that was given up too. */
  readonly calls: readonly Call[];
  /** Ticks until its clock may lose one again. */
  readonly steady: number;
}

interface Call {
  readonly what: 'beat' | 'claim' | 'release';
  readonly at: 'sent' | 'looked' | 'locked' | 'written' | 'answered';
  /** Ticks of the local clock since its start. */
  readonly age: number;
  /** The route is locked until the commit: by a renewal for sharing, by a claim for itself. */
  readonly locks: boolean;
  /** What is left of the lease that it has written. */
  readonly until: number;
  /** In which the route is the daemon's. */
  readonly epoch: Epoch;
  readonly isGivenUp: boolean;
}

/**
 * A daemon and a route that another daemon wants too. The daemon may stop between any two of its steps while time passes; a
 * call may take any time, be given up, and have its effect all the same. The other one keeps to the rules, and lives or
 * not as it likes. That it may not deliver beside the first one is the same question.
 */
export function leases(bug?: LeaseBug): Model<State> {
  return {
    initial: {
      holder: 'it',
      lease: ttl,
      daemon: { left: ttl - margin, session: current, calls: [], steady: 0 },
      claim: null,
    },
    *steps(state) {
      const { holder, daemon } = state;
      const holds = daemon.session !== null && (daemon.left > 0 || bug === 'timer only');
      if (holds && !(holder === 'it' && daemon.session === current))
        yield { name: 'it delivers', next: state, wrong: 'it delivers though the route is not its own' };
      yield* timeSteps(state);
      yield* otherSteps(state, bug);
      yield* beginnings(state, bug);
      for (const [index, call] of daemon.calls.entries()) {
        if (call.at === 'answered') yield hears(state, index, bug);
        else yield* atDatabase(state, index, bug);
        const isOver = call.at === 'answered' && bug !== 'late answers';
        const calls = isOver
          ? daemon.calls.toSpliced(index, 1)
          : daemon.calls.with(index, { ...call, age: 0, isGivenUp: true });
        if (!call.isGivenUp)
          yield { name: `it gives up a ${call.what}`, next: { ...state, daemon: { ...daemon, calls } } };
      }
      if (bug === 'wall clock' && daemon.left < ttl - margin)
        yield { name: 'its clock is set back', next: { ...state, daemon: { ...daemon, left: daemon.left + 1 } } };
    },
    wrong: () => undefined,
  };
}

function* timeSteps(state: State): Iterable<Step<State>> {
  const { daemon } = state;
  for (const passed of daemon.steady === 0 ? [1, 0] : [1])
    yield {
      name: passed === 1 ? 'time passes' : 'time passes, but not on its clock',
      next: {
        ...state,
        lease: Math.max(0, state.lease - 1),
        daemon: {
          left: Math.max(0, daemon.left - passed),
          session: daemon.session,
          calls: daemon.calls.map((call) => ({
            ...call,
            age: call.what !== 'beat' || call.isGivenUp ? 0 : Math.min(ttl, call.age + passed),
            until: Math.max(0, call.until - 1),
          })),
          steady: passed === 1 ? Math.max(0, daemon.steady - 1) : ttl,
        },
      },
    };
}

function* otherSteps(state: State, bug: LeaseBug | undefined): Iterable<Step<State>> {
  const { holder, claim, lease, daemon } = state;
  const isFree = holder === null || (holder === 'it' && lease === 0);
  if (claim === null) {
    if (isFree) yield { name: 'the other one looks', next: { ...state, claim: 'looked' } };
  } else if (claim === 'looked') {
    const skips = daemon.calls.some(({ locks }) => locks);
    yield { name: 'the other one tries the lock', next: { ...state, claim: skips ? null : 'locked' } };
  } else if (claim === 'locked') {
    const takes = isFree || bug === 'no second look';
    yield { name: 'the other one looks again', next: { ...state, claim: takes ? 'written' : null } };
  } else {
    yield { name: 'the other one has it', next: newEpoch({ ...state, claim: null, holder: 'other' }) };
  }
}

function newEpoch(state: State): State {
  const later = (epoch: Epoch) => (epoch === null ? null : Math.min(epoch + 1, longOver));
  const { session, calls } = state.daemon;
  const after = calls.map((call) => ({ ...call, epoch: later(call.epoch) }));
  return { ...state, daemon: { ...state.daemon, session: later(session), calls: after } };
}

/** What the daemon may do of its own accord. */
function* beginnings(state: State, bug: LeaseBug | undefined): Iterable<Step<State>> {
  const { daemon } = state;
  const { calls, session, left } = daemon;
  const begin = (what: Call['what'], epoch: Epoch = null): State => {
    const call: Call = { what, at: 'sent', age: 0, locks: false, until: 0, epoch, isGivenUp: false };
    return { ...state, daemon: { ...daemon, session: what === 'release' ? null : session, calls: [...calls, call] } };
  };
  if (calls.length === 2) return;
  const [busy] = calls.filter(({ isGivenUp }) => !isGivenUp);
  if (busy === undefined || (bug === 'two calls at once' && busy.what === 'claim'))
    yield { name: 'it renews', next: begin('beat') };
  if (busy !== undefined) return;
  if (session === null && left > 0) yield { name: 'it claims', next: begin('claim') };
  if (session !== null) yield { name: 'it lets go', next: begin('release', session) };
}

function hears(state: State, index: number, bug: LeaseBug | undefined): Step<State> {
  const { daemon } = state;
  const calls = daemon.calls.toSpliced(index, 1);
  const become = (parts: Partial<Daemon>): State => ({ ...state, daemon: { ...daemon, ...parts, calls } });
  const call = daemon.calls[index];
  if (call?.what === 'claim')
    return { name: `it hears of its claim: ${call.epoch ?? 'not its own'}`, next: become({ session: call.epoch }) };
  if (call?.what !== 'beat') return { name: 'it hears that it has let go', next: become({}) };
  const whole = bug === 'no margin' ? ttl : ttl - margin;
  const left = bug === 'from the answer' ? whole : Math.max(0, whole - call.age);
  // What it can't account for is somebody else's by now, or will be.
  const session = call.epoch === daemon.session ? call.epoch : null;
  return {
    name: `it hears of its renewal: ${call.epoch ?? 'not its own'}`,
    next: become({ session, left: Math.max(left, daemon.left) }),
  };
}

/** A step of a call at the database, where no lock makes it wait. */
function* atDatabase(state: State, index: number, bug: LeaseBug | undefined): Iterable<Step<State>> {
  const { holder, daemon, lease, claim } = state;
  const call = daemon.calls[index];
  if (call === undefined) return;
  const become = (parts: Partial<Call>, changed: Partial<State> = {}, from = state): State => {
    const isOver = call.isGivenUp && parts.at === 'answered' && bug !== 'late answers';
    const { calls } = from.daemon;
    const after = isOver ? calls.toSpliced(index, 1) : calls.with(index, { ...call, ...parts });
    return { ...from, ...changed, daemon: { ...from.daemon, calls: after } };
  };
  const answered = (epoch: Epoch, changed: Partial<State> = {}, from = state) =>
    become({ at: 'answered', locks: false, until: 0, epoch }, changed, from);
  const others = daemon.calls.filter((one) => one !== call && one.locks);
  const isTaken = claim === 'locked' || claim === 'written' || others.some(({ what }) => what === 'claim');
  const isLocked = isTaken || others.length > 0;

  // The other one lives or not as it likes.
  const mayBeFree = holder !== 'it' || lease === 0;
  const mayBeHeld = holder === 'other' || (holder === 'it' && lease > 0);

  if (call.what === 'release') {
    if (isLocked) return;
    const isIts = holder === 'it' && call.epoch === current;
    yield { name: 'the release is done', next: answered(null, isIts ? { holder: null } : {}) };
  } else if (call.what === 'beat') {
    const finds = holder === 'it';
    if (call.at === 'sent') {
      const locks = finds && bug !== 'renewal without a lock';
      if (!(locks && isTaken)) yield { name: 'the renewal begins', next: become({ at: 'locked', locks }) };
    } else if (call.at === 'locked') {
      const epoch = finds ? current : null;
      yield { name: 'the renewal is written', next: become({ at: 'written', until: ttl, epoch }) };
    } else {
      yield { name: 'the renewal is committed', next: answered(call.epoch, { lease: Math.max(lease, call.until) }) };
    }
  } else if (call.at === 'sent') {
    if (lease > 0 && mayBeFree) yield { name: 'its claim looks', next: become({ at: 'looked' }) };
    if (lease === 0 || mayBeHeld) yield { name: 'its claim finds nothing', next: answered(null) };
  } else if (call.at === 'looked') {
    yield { name: 'its claim tries the lock', next: isLocked ? answered(null) : become({ at: 'locked', locks: true }) };
  } else if (call.at === 'locked') {
    if (mayBeFree) yield { name: 'its claim looks again', next: become({ at: 'written' }) };
    if (mayBeHeld) yield { name: 'its claim comes too late', next: answered(null) };
  } else {
    yield { name: 'its claim is committed', next: answered(current, { holder: 'it' }, newEpoch(state)) };
  }
}
