import { expect, test } from '@jest/globals';
import { HourlyCap } from '../../../src/sinks/email/hourly-cap.ts';

const hour = 3_600_000;

test('a cap lets so many go in any hour, and says how long the next one waits', () => {
  const cap = new HourlyCap(2);
  const waits = [0, 10, 20, hour - 1, hour, hour + 5, hour + 10].map((now) => {
    const wait = cap.wait(now);
    if (wait === 0) cap.take(now);
    return wait;
  });
  expect(waits).toEqual([0, 0, hour - 20, 1, 0, 5, 0]);
});

test('a cap gets back what has reached nobody', () => {
  const cap = new HourlyCap(1);
  const giveBack = cap.take(5);
  expect(cap.wait(6)).toBe(hour - 1);
  giveBack();
  expect(cap.wait(6)).toBe(0);
  giveBack();
  cap.take(7);
  expect(cap.wait(8)).toBe(hour - 1);
});

test('a cap is told of once an hour', () => {
  const cap = new HourlyCap(1);
  expect([0, 1, hour - 1, hour, hour + 1].map((now) => cap.mayTell(now))).toEqual([true, false, false, true, false]);
});
