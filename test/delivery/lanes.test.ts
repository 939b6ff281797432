import { describe, expect, test } from '@jest/globals';
import { Lanes } from '../../src/delivery/lanes.ts';
import { Work } from '../../src/delivery/queue.ts';
import { entry } from '../support/notification.ts';

describe('the lane of an account', () => {
  test('leaves the postponed one to its time when one before it was made due and is settled', () => {
    const lanes = new Lanes(new Map());
    const [replayed, postponed, behind] = [work(5, true), work(10, false), work(11, false)];
    lanes.add(postponed);
    lanes.take(1);
    lanes.add(behind);
    expect(lanes.release(postponed, 'waiting')).toEqual([behind]);
    expect(lanes.add(replayed)).toBe(true);
    expect(lanes.take(1)).toEqual([replayed]);
    lanes.release(replayed, 'settled');
    expect(lanes.hungry()).toEqual(['a']);
    expect(lanes.feed('a', [work(6, true), work(10, true), work(11, true)])).toMatchObject([{ entry: { seq: 6 } }]);
    lanes.release(lanes.take(1)[0] ?? replayed, 'settled');
    expect(lanes.feed('a', [work(10, true), work(11, true)])).toEqual([]);
    expect(lanes.ready).toBe(0);
    // Its time has come.
    expect(lanes.add(work(10, true))).toBe(true);
    expect(lanes.ready).toBe(1);
  });

  test('goes on to the postponed one whose time came while one before it was on its way', () => {
    const lanes = new Lanes(new Map([['a', 10]]));
    const [retried, postponed] = [work(5, true), work(10, true)];
    lanes.add(retried);
    lanes.take(1);
    expect(lanes.add(postponed)).toBe(false);
    lanes.release(retried, 'settled');
    expect(lanes.hungry()).toEqual(['a']);
    expect(lanes.feed('a', [postponed])).toEqual([postponed]);
    expect(lanes.take(1)).toEqual([postponed]);
  });
});

describe('what is put back to go out last', () => {
  test.each(['a', null])('lets all others go before it, those of accounts too, where its own is %j', (accountId) => {
    const lanes = new Lanes(new Map());
    const suspect = work(1, false, accountId);
    const others = [work(2, false, 'b'), work(3, false, null), work(4, false, 'c')];
    lanes.add(suspect);
    lanes.take(1);
    for (const other of others) lanes.add(other);
    lanes.putBack([suspect], 'last');
    const order = Array.from({ length: 4 }, () => lanes.take(1)[0]);
    expect(new Set(order.slice(0, 3))).toEqual(new Set(others));
    expect(order[3]).toBe(suspect);
    expect(lanes.ready).toBe(0);
  });
});

function work(seq: number, listed: boolean, accountId: string | null = 'a'): Work {
  return new Work(entry({ seq, accountId }), [], listed);
}
