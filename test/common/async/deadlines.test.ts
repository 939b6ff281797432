import { setTimeout as delay } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { Deadlines } from '../../../src/common/async/deadlines.ts';
import { until } from '../../support/until.ts';

test('a deadline that is started by one that has passed comes too, and one that was taken back does not', async () => {
  const deadlines = new Deadlines(20);
  const called: string[] = [];
  let takeBack: (() => void) | undefined;
  deadlines.start(() => {
    called.push('first');
    deadlines.start(() => called.push('third'));
    takeBack?.();
  });
  takeBack = deadlines.start(() => called.push('second'));
  await until(() => called.includes('third'), { what: 'the deadline to pass' });
  expect(called).toEqual(['first', 'third']);
  deadlines.close();
});

test('a deadline that passes while others are called back comes at once', async () => {
  const timers = jest.spyOn(globalThis, 'setTimeout');
  const deadlines = new Deadlines(20);
  let isCalled = false;
  deadlines.start(() => {
    const end = performance.now() + 50;
    while (performance.now() < end);
  });
  await delay(5);
  deadlines.start(() => {
    isCalled = true;
  });
  await until(() => isCalled, { what: 'the second' });
  // Node warns of those that are less.
  for (const [, milliseconds] of timers.mock.calls) expect(milliseconds).toBeGreaterThanOrEqual(0);
  timers.mockRestore();
  deadlines.close();
});
