import { afterEach, beforeEach, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type Action, actions } from '../support/route-actions.ts';
import { modes, RouteWorld } from '../support/route-world.ts';
import { rounds, runs } from '../support/runs.ts';

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** The pauses between tries are random: one number makes the same ones again. */
const chance = fc.noShrink(fc.nat(2 ** 31 - 1)).map((seed) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 2 ** 31;
  };
});

/** Seconds that are left, on the test's own clock, until everything must be settled. */
const patience = 90;

// The model stands in test/support/route-model.ts: it complains of whatever the sink must not get, as soon as it gets it.
test.each(modes)(
  'nothing is skipped, revived or out of turn, with order or digest: %s',
  async (mode) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(actions, { minLength: 60, maxLength: 60 }),
        chance,
        async (sequence: Action[], random) => {
          jest.spyOn(Math, 'random').mockImplementation(random);
          const world = await RouteWorld.start(mode);
          try {
            for (const action of sequence) await world.act(action);
            for (let second = 0; second < patience && !world.isSettled; second += 1) await world.calm();
            const faults = await world.faults();
            const happened = sequence.filter((action) => action.do !== 'rest').map((action) => JSON.stringify(action));
            if (faults.length > 0) throw new Error([...faults, 'after:', ...happened].join('\n'));
          } finally {
            await world.close();
          }
        },
      ),
      runs(67, 5),
    );
  },
  180_000 * rounds(1),
);
