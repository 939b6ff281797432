import { expect, test } from '@jest/globals';
import { RouteCounts } from '../../src/delivery/counts.ts';
import { entry } from '../support/notification.ts';

test('failures are counted by code, and no receiver can make codes without end', () => {
  const counts = new RouteCounts();
  const fail = (code?: number) =>
    counts.concluded(entry({}), { status: 'retry', reason: 'answered', ...(code !== undefined && { code }) }, 0);
  fail();
  for (let code = 400; code < 500; code += 1) fail(code);
  fail(400);
  fail(499);
  expect(counts.failures.get('none')).toBe(1);
  expect(counts.failures.get('400')).toBe(2);
  expect(counts.failures.get('other')).toBe(62);
  expect(counts.failures.size).toBe(41);
});
