import fc from 'fast-check';

export type Answer = 'delivered' | 'retry' | 'dead' | 'away' | 'unavailable' | 'throw';

/** What happens to a route. Numbers choose among what there is at the time. */
export type Action =
  | { readonly do: 'rest' }
  | { readonly do: 'arrive'; readonly accounts: readonly (string | null)[]; readonly invalid: boolean }
  | { readonly do: 'answer'; readonly which: number; readonly answers: readonly Answer[] }
  | { readonly do: 'wait' | 'jump'; readonly milliseconds: number }
  | { readonly do: 'hasten' | 'retry' | 'drop' | 'replay' | 'erase'; readonly which: number }
  | { readonly do: 'pause' | 'resume' | 'restart' | 'reload' | 'crash' | 'lose' };

const which = fc.nat(30);
const answer = fc.constantFrom<Answer>(
  ...['delivered', 'delivered', 'delivered', 'retry', 'retry', 'dead', 'away', 'unavailable', 'throw'].map(
    (one) => one as Answer,
  ),
);
const accounts = fc.array(fc.constantFrom('a', 'b', null), { minLength: 1, maxLength: 4 });
const waits = fc.constantFrom(1, 30, 120, 600, 3_000);
const jumps = fc.constantFrom(-86_400_000, -20_000, -1_000, 5_000, 86_400_000);
const one = <Kind extends Action['do']>(...kinds: Kind[]) => fc.constantFrom(...kinds.map((kind) => ({ do: kind })));

export const actions: fc.Arbitrary<Action> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: one('rest') },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('arrive' as const), accounts, invalid: fc.boolean() }) },
  {
    weight: 24,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which,
      answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: waits }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('jump' as const), milliseconds: jumps }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constantFrom('hasten', 'retry', 'drop', 'replay'), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), which }) },
  { weight: 3, arbitrary: one('restart', 'reload', 'crash', 'lose') },
  { weight: 2, arbitrary: one('pause', 'resume') },
);
