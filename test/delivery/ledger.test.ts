import { afterEach, beforeEach, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type Action, actions } from '../support/route-actions.ts';
import { RouteWorld } from '../support/route-world.ts';
import { rounds, runs } from '../support/runs.ts';

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
afterEach(() => void jest.useRealTimers());

/** Seconds that are left, on the test's own clock, until everything must be settled. */
const patience = 90;

// The model stands in test/support/route-model.ts: it complains of whatever the sink must not get, as soon as it gets it.
test.each(['none', 'account'] as const)(
  'nothing is skipped, revived or out of turn, with order %s',
  async (order) => {
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { minLength: 60, maxLength: 60 }), async (sequence: Action[]) => {
        const world = await RouteWorld.start(order);
        try {
          for (const action of sequence) await world.act(action);
          for (let second = 0; second < patience && !world.isSettled; second += 1) await world.calm();
          const faults = await world.faults();
          const happened = sequence.filter((action) => action.do !== 'rest').map((action) => JSON.stringify(action));
          if (faults.length > 0) throw new Error([...faults, 'after:', ...happened].join('\n'));
        } finally {
          await world.close();
        }
      }),
      runs(100, 5),
    );
  },
  180_000 * rounds(1),
);
