import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runs } from '../../support/runs.ts';
import { type LeaseWorldOptions, playLeases, type Trouble } from './models/lease-world.ts';

const trouble: fc.Arbitrary<Trouble> = fc.record({
  who: fc.nat(2),
  what: fc.constantFrom('stopped', 'slow to the database', 'slow from the database', 'cut off'),
  at: fc.integer({ min: 0, max: 15_000 }),
  for: fc.integer({ min: 10, max: 9_000 }),
});

const world = fc.record({
  seed: fc.integer(),
  routes: fc.integer({ min: 1, max: 5 }),
  // Of what a lease is shorter by its own clock, this is the most that it bears.
  rates: fc.array(fc.double({ min: 0.94, max: 1.06, noNaN: true }), { minLength: 3, maxLength: 3 }),
  troubles: fc.array(trouble, { maxLength: 8 }),
});

type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

describe('leases of three daemons', () => {
  test('let no two of them deliver for one route, and leave none to nobody', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (played) => {
        const { faults, owned, held } = await play(played);
        expect(faults).toEqual([]);
        expect(owned).toEqual(held);
        expect(owned.reduce((sum, count) => sum + count, 0)).toBe(played.routes);
      }),
      runs(40, 5),
    );
  });

  test('share the routes out when all has been well for a while', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (played) => {
        const { owned } = await play(played, { calm: 90_000 });
        expect(Math.max(...owned)).toBeLessThanOrEqual(Math.ceil(played.routes / 3));
      }),
      runs(4, 5),
    );
  });

  test.each<[string, Partial<LeaseWorldOptions>]>([
    ['stands still while they are stopped', { standsStill: true }],
    ['loses more than the margin', { rates: [0.7, 0.7, 0.7] }],
  ])('would, by a clock that %s', async (_what, bad) => {
    const found = fc.asyncProperty(world, async (played) => {
      expect((await play(played, bad)).faults).toEqual([]);
    });
    expect((await fc.check(found, { numRuns: 200, endOnFailure: true })).failed).toBe(true);
  });
});

function play({ seed, ...played }: World, bad: Partial<LeaseWorldOptions> = {}) {
  let state = seed;
  // The generator of mulberry32.
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return playLeases({ daemons: 3, calm: 12_000, random, ...played, ...bad });
}
