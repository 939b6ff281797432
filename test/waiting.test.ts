import { expect, test } from '@jest/globals';
import { Deadlines } from '../src/waiting.ts';
import { until } from './support/until.ts';

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
