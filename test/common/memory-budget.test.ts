import { expect, test } from '@jest/globals';
import { MemoryBudget } from '../../src/common/memory-budget.ts';

const limit = 1_000;

test.each([1, 2, 9])('%i shares that take all they can hold the same, and leave as much to the next one', (count) => {
  const budget = new MemoryBudget(limit);
  const shares = Array.from({ length: count }, () => budget.open());
  while (shares.some(({ isFull }) => !isFull)) for (const share of shares) if (!share.isFull) share.take(1);
  for (const { held } of shares) expect(Math.abs(held - limit / (count + 1))).toBeLessThanOrEqual(1);
  expect(budget.open().room).toBeGreaterThan(0);
});

test.each([1, 2, 50])(
  '%i shares that take their room in one turn take their even parts, and no more than there is',
  (count) => {
    const budget = new MemoryBudget(limit);
    const shares = Array.from({ length: count }, () => budget.open());
    for (const [index, room] of shares.map((share) => share.room).entries()) shares[index]?.take(room);
    expect(budget.used).toBeLessThanOrEqual(limit);
    for (const { held } of shares) expect(held).toBeCloseTo(limit / Math.max(2, count));
  },
);

test('one that is given back its part may take that at once, while others hold theirs', () => {
  const budget = new MemoryBudget(limit);
  const [one, ...others] = Array.from({ length: 10 }, () => budget.open());
  for (const share of others) share.take(limit / 11);
  expect(one?.room).toBeGreaterThanOrEqual(limit / 11);
});

test('a share has taken its room when it is full', () => {
  const budget = new MemoryBudget(limit);
  budget.open().take(200);
  const share = budget.open();
  share.take(100);
  share.take(share.room - 1);
  expect(share.isFull).toBe(false);
  share.take(1);
  expect(share.isFull).toBe(true);
});

test('whoever holds nothing may take one thing, whatever it takes and whatever others hold', () => {
  const budget = new MemoryBudget(limit);
  budget.open().take(5 * limit);
  const share = budget.open();
  expect([share.isFull, share.room < 0]).toEqual([false, true]);
  share.take(3 * limit);
  expect([share.isFull, budget.used]).toEqual([true, 8 * limit]);
  share.giveBack(3 * limit);
  expect([share.isFull, budget.used]).toEqual([false, 5 * limit]);
});

test('a share that is closed has given back all, and a limit that is changed counts at once', () => {
  const budget = new MemoryBudget(limit);
  const [one, other] = [budget.open(), budget.open()];
  one.take(300);
  other.take(600);
  expect([one.isFull, other.isFull]).toEqual([true, true]);
  budget.limit = 2 * limit;
  expect([one.isFull, other.isFull]).toEqual([false, false]);
  other.close();
  expect([budget.used, other.held, one.room]).toEqual([300, 0, 700]);
});
