import { expect, test } from '@jest/globals';
import { summaryOf } from '../../../src/sinks/summary/summary.ts';
import { hostileTexts } from '../../support/hostile-texts.ts';

test.each(Object.getOwnPropertyNames(Object.prototype))('an event named %s is one that nobody knows', (event) => {
  expect(summaryOf({ id: '1', event, data: {} })).toEqual({ title: event, severity: 'info', facts: [] });
});

test.each(hostileTexts)('a field named %j is told of in one line', (field) => {
  for (const { name } of summaryOf({ id: '1', event: 'nobody_knows', data: { [field]: 'x' } }).facts) {
    expect(name).toMatch(/^[^\p{Cc}\p{Cf}]*$/u);
    expect([...name].length).toBeLessThanOrEqual(100);
  }
});
