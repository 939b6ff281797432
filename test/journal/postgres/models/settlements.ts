import type { Model, Step } from './explore.ts';

/** Ways to save a route's progress that let an old word stand above a newer one. */
export type SettleBug =
  /** The daemon is compared, and not the epoch: it may have the route again. */
  | 'no epoch'
  /** Neither is. */
  | 'no fence'
  /** Whose the route is was looked at without a lock on that. */
  | 'no lock'
  /** What came meanwhile goes along under the number of a call of which nobody knows whether it was saved. */
  | 'more under the same number'
  /** Only this very number is looked for, and old ones are tidied away. */
  | 'no newer number';

interface State {
  /** As the database has it, committed. */
  readonly saved: {
    readonly holder: number;
    readonly epoch: number;
    readonly numbers: readonly string[];
    readonly facts: Facts;
  };
  /** What whoever has the route by its epoch had found there: from then on, others change nothing. */
  readonly daemons: readonly Daemon[];
  /** Calls that are on their way or at work, in no order: those that were given up too. */
  readonly calls: readonly Call[];
  readonly claim: { readonly by: number; readonly locked: boolean } | null;
}

/**
 * What a session tells is one thing after another, each of which the next one undoes or goes on from: entry 1 waits; it is
 * delivered; entry 2 waits; and so on. So what is saved must be as of one of them.
 */
interface Facts {
  readonly cursor: number;
  readonly waiting: number | null;
}

interface Daemon {
  /** The session that it believes to have; 0 is none. */
  readonly epoch: number;
  readonly number: number;
  /** Up to where it has told, and was promised that it is saved. */
  readonly told: number;
  readonly promised: number;
  /** A call that it has given up: it knows of no answer. */
  readonly uncertain: Pick<Call, 'number' | 'to'> | null;
}

interface Call {
  readonly by: number;
  readonly epoch: number;
  readonly number: number;
  readonly from: number;
  readonly to: number;
  readonly at: 'sent' | 'checked' | 'answered';
  readonly ours: boolean;
  /** A newer one was saved when it was looked at. */
  readonly isLate: boolean;
  readonly isGivenUp: boolean;
}

const none: Daemon = { epoch: 0, number: 0, told: 0, promised: 0, uncertain: null };

const most = { facts: 2, epochs: 3, calls: 2 };

function asOf(told: number): Facts {
  return { cursor: told, waiting: told % 2 === 1 ? told : null };
}

/**
 * Two daemons that settle as `settle` does and take the route from each other as `claim` does. Calls may come late, be
 * given up and repeated on another connection, and have their effect all the same.
 */
export function settlements(bug?: SettleBug): Model<State> {
  return {
    initial: {
      saved: { holder: 0, epoch: 1, numbers: [], facts: asOf(0) },
      daemons: [{ ...none, epoch: 1 }, none],
      calls: [],
      claim: null,
    },
    *steps(state) {
      for (const who of state.daemons.keys()) {
        yield* daemonSteps(state, who, bug);
        yield* claimSteps(state, who);
      }
      for (const index of state.calls.keys()) yield* callSteps(state, index, bug);
      const { saved, calls } = state;
      // What is younger than a call can last is left.
      if (saved.numbers.length > 1 && calls.every(({ at }) => at !== 'checked'))
        yield {
          name: 'old numbers are tidied away',
          next: { ...state, saved: { ...saved, numbers: saved.numbers.slice(-1) } },
        };
    },
    wrong({ saved: { facts, holder, epoch }, daemons }) {
      if (facts.waiting !== asOf(facts.cursor).waiting) return 'a record is not as it was told with the cursor';
      const daemon = daemons[holder];
      if (daemon?.epoch === epoch && daemon.promised > facts.cursor) return 'what was promised is not saved';
      return undefined;
    },
  };
}

function* daemonSteps(state: State, who: number, bug: SettleBug | undefined): Iterable<Step<State>> {
  const daemon = state.daemons[who];
  if (daemon === undefined || daemon.epoch === 0) return;
  const become = (parts: Partial<Daemon>, calls = state.calls): State => ({
    ...state,
    calls,
    daemons: state.daemons.with(who, { ...daemon, ...parts }),
  });
  const { epoch, number, told, promised, uncertain } = daemon;
  const index = state.calls.findIndex((call) => call.by === who && call.epoch === epoch && !call.isGivenUp);
  const pending = state.calls[index];

  if (told < most.facts) yield { name: `${who} tells more`, next: become({ told: told + 1 }) };
  if (pending === undefined && told > promised && state.calls.length < most.calls) {
    const call: Call = {
      ...{ by: who, epoch, number: uncertain !== null ? uncertain.number : number + 1, from: promised },
      ...{ to: uncertain !== null && bug !== 'more under the same number' ? uncertain.to : told },
      ...{ at: 'sent', ours: false, isLate: false, isGivenUp: false },
    };
    yield {
      name: `${who} sends ${call.number}, through ${call.to}`,
      next: become({ number: call.number }, [...state.calls, call]),
    };
  }
  if (pending === undefined) return;
  if (pending.at === 'answered') {
    const heard = pending.ours ? { ...daemon, promised: pending.to, uncertain: null } : none;
    yield {
      name: `${who} hears of ${pending.number}: ${pending.ours ? 'saved' : 'lost'}`,
      next: become(heard, state.calls.toSpliced(index, 1)),
    };
  }
  yield {
    name: `${who} gives ${pending.number} up`,
    next: become(
      { uncertain: { number: pending.number, to: pending.to } },
      pending.at === 'answered'
        ? state.calls.toSpliced(index, 1)
        : state.calls.with(index, { ...pending, isGivenUp: true }),
    ),
  };
}

/** The database, at a call. */
function* callSteps(state: State, index: number, bug: SettleBug | undefined): Iterable<Step<State>> {
  const call = state.calls[index];
  if (call === undefined) return;
  const { saved } = state;
  const become = (parts: Partial<Call>, changed = saved): State => ({
    ...state,
    saved: changed,
    // To a call that was given up, nobody hears the answer.
    calls:
      call.isGivenUp && parts.at === 'answered'
        ? state.calls.toSpliced(index, 1)
        : state.calls.with(index, { ...call, ...parts }),
  });
  const name = `${call.number} of ${call.by} in epoch ${call.epoch}`;
  if (call.at === 'sent') {
    // The lock of a claim that is under way is waited for.
    if (state.claim?.locked && bug !== 'no lock') return;
    const isHolder = bug === 'no fence' || saved.holder === call.by;
    const ours = isHolder && (bug === 'no epoch' || bug === 'no fence' || saved.epoch === call.epoch);
    const isNewer = (other: string) => other.startsWith(`${call.epoch}.`) && other > keyOf(call);
    const isLate = bug !== 'no newer number' && saved.numbers.some(isNewer);
    yield { name: `${name} is looked at`, next: become({ at: ours ? 'checked' : 'answered', ours, isLate }) };
  } else if (call.at === 'checked') {
    // Of two that are at work at once with one number, the second one waits for the first one's commit.
    const isSaved = call.isLate || saved.numbers.includes(keyOf(call));
    const facts = isSaved ? saved.facts : apply(saved, call);
    const numbers = isSaved ? saved.numbers : [...saved.numbers, keyOf(call)].toSorted();
    const isOld = saved.epoch !== call.epoch && JSON.stringify(facts) !== JSON.stringify(saved.facts);
    yield {
      name: `${name} is committed`,
      next: become({ at: 'answered' }, { ...saved, numbers, facts }),
      ...(isOld && { wrong: 'what an old session wrote has changed something' }),
    };
  }
}

/** In one digit each, so that they are in order. */
function keyOf({ epoch, number }: Call): string {
  return `${epoch}.${number}`;
}

/** The newest cursor counts; records are set one by one. */
function apply({ numbers, facts, epoch }: State['saved'], call: Call): Facts {
  let { waiting } = facts;
  for (let told = call.from + 1; told <= call.to; told += 1) waiting = asOf(told).waiting;
  const isNewest = call.epoch >= epoch && numbers.every((key) => key < keyOf(call));
  return { cursor: isNewest ? call.to : facts.cursor, waiting };
}

/** The lease of whoever has it may be over at any time: that is the other model's. */
function* claimSteps(state: State, who: number): Iterable<Step<State>> {
  const { claim, saved } = state;
  if (claim === null && saved.holder !== who && saved.epoch < most.epochs) {
    // A row that a settlement has locked is skipped.
    if (state.calls.some(({ at }) => at === 'checked')) return;
    yield { name: `${who} claims`, next: { ...state, claim: { by: who, locked: true } } };
  } else if (claim?.by === who) {
    const epoch = saved.epoch + 1;
    const { cursor } = saved.facts;
    yield {
      name: `${who} has it from ${cursor}`,
      next: {
        ...state,
        claim: null,
        saved: { ...saved, holder: who, epoch },
        daemons: state.daemons.with(who, { ...none, epoch, told: cursor, promised: cursor }),
      },
    };
  }
}
