import type { Model, Step } from './explore.ts';

/** Ways to give numbers that have cost others entries. */
export type AppendBug =
  /** A number is drawn from a sequence, which waits for nobody. */
  | 'serial'
  /** One statement: what it reads is older than the lock that it waits for. */
  | 'old snapshot'
  /** The lock is let go before the commit. */
  | 'lock let go early'
  /** What was appended is not looked for by its id. */
  | 'no look for ids';

interface State {
  /** What anybody can see, in the order of the commits. */
  readonly log: readonly Row[];
  /** Whose the lock is. */
  readonly lock: number | null;
  readonly drawn: number;
  readonly appenders: readonly Appender[];
  readonly reader: { readonly cursor: number; readonly seen: readonly string[] };
}

interface Row {
  readonly seq: number;
  readonly id: string;
}

interface Appender {
  readonly at: 'idle' | 'sent' | 'locked' | 'numbered' | 'written' | 'over';
  /** Its batches that aren't confirmed, oldest first. */
  readonly batches: readonly (readonly string[])[];
  readonly base: number;
  readonly rows: readonly Row[];
}

/**
 * Daemons that append batches as `append` does, with answers that are lost, after which a batch is appended again; and a
 * reader that goes on from the last number it has seen.
 */
export function appends(bug?: AppendBug): Model<State> {
  const appender = (...batches: string[][]): Appender => ({ at: 'idle', batches, base: 0, rows: [] });
  return {
    initial: {
      log: [],
      lock: null,
      drawn: 0,
      // A broker gives the second one again to another daemon, where it isn't acknowledged.
      appenders: [appender(['a', 'b'], ['c']), appender(['b', 'd'])],
      reader: { cursor: 0, seen: [] },
    },
    *steps(state) {
      const { log, appenders, reader } = state;
      for (const who of appenders.keys()) yield* stepsOf(state, who, bug);
      const found = log.filter(({ seq }) => seq > reader.cursor);
      if (found.length > 0)
        yield {
          name: 'the reader reads',
          next: {
            ...state,
            reader: {
              cursor: Math.max(...found.map(({ seq }) => seq)),
              seen: [...reader.seen, ...found.map(({ id }) => id)].toSorted(),
            },
          },
        };
    },
    wrong({ log, reader }) {
      const numbers = new Set(log.map(({ seq }) => seq));
      if (numbers.size < log.length) return 'a number was given twice';
      if (new Set(log.map(({ id }) => id)).size < log.length) return 'an id is there twice';
      const passed = log.find(({ seq, id }) => seq <= reader.cursor && !reader.seen.includes(id));
      if (passed !== undefined) return 'the reader has passed what it has not seen';
      // A sequence has gaps by its nature: what it costs is that somebody passes them.
      if (bug !== 'serial' && log.some(({ seq }) => seq > log.length)) return 'there is a gap';
      return undefined;
    },
  };
}

function* stepsOf(state: State, who: number, bug: AppendBug | undefined): Iterable<Step<State>> {
  const appender = state.appenders[who];
  if (appender === undefined) return;
  const { at, batches, base, rows } = appender;
  const [batch] = batches;
  const become = (parts: Partial<Appender>, others: Partial<State> = {}): State => ({
    ...state,
    ...others,
    appenders: state.appenders.with(who, { ...appender, ...parts }),
  });
  const head = state.log.reduce((last, { seq }) => Math.max(last, seq), 0);
  const does = (what: string) => `daemon ${who} ${what}`;

  if (at === 'idle' && batch !== undefined) {
    // What one statement reads is as of its start.
    yield { name: does('sends a batch'), next: become({ at: 'sent', base: head }) };
  } else if (at === 'sent' && bug === 'serial' && batch !== undefined) {
    const drawn = state.drawn + batch.length;
    yield { name: does('draws numbers'), next: become({ at: 'numbered', base: state.drawn }, { drawn }) };
  } else if (at === 'sent' && state.lock === null) {
    yield { name: does('has the lock'), next: become({ at: 'locked' }, { lock: who }) };
  } else if (at === 'locked') {
    const lock = bug === 'lock let go early' ? null : state.lock;
    yield {
      name: does('reads the head'),
      next: become({ at: 'numbered', base: bug === 'old snapshot' ? base : head }, { lock }),
    };
  } else if (at === 'numbered' && batch !== undefined) {
    // An id that another one has written is waited for, whatever the numbers.
    if (state.appenders.some((other) => other.rows.some(({ id }) => batch.includes(id)))) return;
    const isKnown = (id: string) => bug !== 'no look for ids' && state.log.some((row) => row.id === id);
    const fresh = batch.filter((id) => !isKnown(id)).map((id, n) => ({ seq: base + n + 1, id }));
    yield { name: does('writes'), next: become({ at: 'written', base: 0, rows: fresh }) };
  } else if (at === 'written') {
    const lock = state.lock === who ? null : state.lock;
    const log = [...state.log, ...rows];
    const after = (rest: Appender['batches']) =>
      become({ at: 'idle', batches: rest, base: 0, rows: [] }, { lock, log });
    yield { name: does('commits, and hears of it'), next: after(batches.slice(1)) };
    yield { name: does('commits, and does not hear of it'), next: after(batches) };
    const undone = become({ at: 'idle', base: 0, rows: [] }, { lock });
    yield { name: does('is cut off before its commit'), next: undone };
  }
}
