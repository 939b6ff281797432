import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Delivery } from '../../src/notification/envelope.ts';
import { delivered, type Outcome, SinkUnavailable } from '../../src/sinks/sink.ts';
import { notification } from '../support/notification.ts';
import { startTestRoute, type TestRoute } from '../support/route.ts';
import { runs } from '../support/runs.ts';
import { until } from '../support/until.ts';

let tested: TestRoute | undefined;

afterEach(async () => {
  await tested?.close();
  tested = undefined;
});

describe('the order of an account', () => {
  test('holds across retries, while other accounts run on', async () => {
    tested = await startTestRoute({ order: 'account', retry: { schedule: [60_000], maxWait: 0 } });
    const [first] = await tested.append('a');
    tested.answer = ({ header: { id } }) => (id === first ? { status: 'retry', reason: 'busy' } : delivered);
    await until(() => tested?.lines().length === 1, { what: 'the first to wait' });
    const [second, third, other, free] = await tested.append('a', 'a', 'b', null);
    await until(() => tested?.confirmed.length === 2, { what: 'the other account' });
    expect(tested.confirmed).toEqual([free, other]);
    await until(() => tested?.lines().length === 3, { what: 'the account to wait' });
    expect(tested.lines()).toMatchObject([
      { id: first, due_at: expect.any(Number) },
      { id: second, due_at: null },
      { id: third, due_at: null },
    ]);
  });

  test('survives a restart, and goes on where a dead letter stood', async () => {
    tested = await startTestRoute({ order: 'account', retry: { schedule: [60_000], maxWait: 0 } });
    const ids = await tested.append('a', 'a', 'a', 'a');
    tested.answer = () => ({ status: 'retry', reason: 'busy' });
    await until(() => tested?.lines().length === 4, { what: 'the account to wait' });
    tested.answer = ({ header: { id } }) => (id === ids[1] ? { status: 'dead', reason: 'bad' } : delivered);
    const clock = Date.now;
    Date.now = () => clock() + 120_000;
    try {
      await tested.restart();
      await tested.settled();
    } finally {
      Date.now = clock;
    }
    expect(tested.confirmed).toEqual([ids[0], ids[2], ids[3]]);
    expect(tested.lines()).toMatchObject([{ id: ids[1], state: 'dead' }]);
  });

  test('survives a crash that left some in the list, and earlier ones that were only in memory', async () => {
    tested = await startTestRoute({ order: 'account', retry: { schedule: [60_000], maxWait: 0 } });
    tested.answer = (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject));
    const ids = await tested.append(...Array(150).fill('a'));
    await until(() => (tested?.lines().length ?? 0) > 0, { what: 'what is beyond the lane to be listed' });
    expect(tested.lines().length).toBeLessThan(100);
    await tested.crash();
    tested.answer = () => delivered;
    await tested.settled();
    expect(tested.confirmed).toEqual(ids);
  });

  test('leaves room for the others though one account has far more than fits in memory', async () => {
    tested = await startTestRoute({ order: 'account' });
    const { promise: released, resolve: release } = Promise.withResolvers<Outcome>();
    tested.answer = ({ envelope }) => (envelope.account_id === 'a' ? released : delivered);
    const many = await tested.append(...Array.from({ length: 1_000 }, () => 'a'));
    await tested.append('b', 'c');
    await until(() => tested?.confirmed.length === 2, { what: 'the others' });
    release(delivered);
    await tested.settled();
    expect(tested.confirmed.slice(2)).toEqual(many);
  });

  test('is made, and undone, by a change of the configuration', async () => {
    tested = await startTestRoute({ order: 'account', retry: { schedule: [60_000], maxWait: 0 } });
    tested.answer = () => ({ status: 'retry', reason: 'busy' });
    const ids = await tested.append('a', 'a', 'a');
    await until(() => tested?.lines().length === 3, { what: 'the account to wait' });
    tested.answer = () => delivered;
    await tested.restart({ order: 'none' });
    await until(() => tested?.confirmed.length === 2, { what: 'those that were behind' });
    expect(tested.confirmed).toEqual(ids.slice(1));
  });
});

describe('whatever a sink does', () => {
  type Mood = 'delivered' | 'retry' | 'away' | 'dead' | 'throw' | 'unavailable';
  const moods = fc.array(
    fc.constantFrom<Mood>('delivered', 'delivered', 'delivered', 'retry', 'away', 'dead', 'throw', 'unavailable'),
    { minLength: 1, maxLength: 60 },
  );
  const accounts = fc.array(fc.constantFrom('a', 'b', 'c', null), { minLength: 1, maxLength: 60 });
  const flow = fc.record({
    batch: fc.record({ max: fc.integer({ min: 1, max: 5 }), linger: fc.constantFrom(0, 1) }),
    concurrency: fc.integer({ min: 1, max: 4 }),
  });

  test.each(['none', 'account'] as const)('each notification is delivered or dead, with order %s', async (order) => {
    await fc.assert(
      fc.asyncProperty(moods, accounts, flow, async (sequence, wanted, flow) => {
        await using route = await startTestRoute({
          order,
          flow,
          retry: { schedule: [1, 1, 1], maxWait: 0 },
          circuit: { failures: 3, maxPause: 2 },
        });
        let turn = 0;
        route.answer = (_delivery: Delivery): Outcome => {
          const mood = sequence[turn++ % (sequence.length + 1)] ?? 'delivered';
          if (mood === 'throw') throw new TypeError('a bug');
          if (mood === 'unavailable') throw new SinkUnavailable('away');
          if (mood === 'delivered') return delivered;
          return mood === 'dead'
            ? { status: mood, reason: mood }
            : { status: 'retry', reason: mood, away: mood === 'away' };
        };
        const batch = wanted.map((accountId) => notification({ accountId }));
        await route.journal.append(batch);
        await route.settled(5);
        const dead = route.lines().map(({ id }) => id);
        expect(new Set([...route.confirmed, ...dead])).toEqual(new Set(batch.map(({ header }) => header.id)));
        if (order === 'none') return;
        for (const account of ['a', 'b', 'c']) {
          const ids = batch.filter(({ header: { accountId } }) => accountId === account).map(({ header }) => header.id);
          const firsts = [...new Set(route.confirmed)].filter((id) => ids.includes(id));
          expect(firsts).toEqual(ids.filter((id) => firsts.includes(id)));
        }
      }),
      runs(12),
    );
  });
});
