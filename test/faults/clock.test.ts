import { afterEach, describe, expect, test } from '@jest/globals';
import { delivered } from '../../src/sinks/sink.ts';
import { startTestRoute } from '../support/route.ts';

const clock = Date.now;

afterEach(() => {
  Date.now = clock;
});

describe('a clock that is set', () => {
  test.each([
    ['back by a year', -365],
    ['forward by a year', 365],
  ])('%s while some deliveries wait for their next try has none missing and none twice', async (_what, days) => {
    await using tested = await startTestRoute({ retry: { schedule: [50, 50, 50, 50], maxWait: 0 } });
    const failed = new Set<string>();
    tested.answer = ({ header: { id } }) => {
      if (failed.has(id)) return delivered;
      failed.add(id);
      return { status: 'retry', reason: 'busy' };
    };
    const before = await tested.append(...Array.from({ length: 30 }, () => 'a'));
    // A fake stands for time, which can't be set for one process.
    Date.now = () => clock() + days * 86_400_000;
    const after = await tested.append(...Array.from({ length: 30 }, () => 'a'));
    await tested.settled();
    expect(tested.confirmed.toSorted()).toEqual([...before, ...after].toSorted());
  });
});
