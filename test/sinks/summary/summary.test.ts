import { expect, test } from '@jest/globals';
import { summaryOf } from '../../../src/sinks/summary/summary.ts';

test.each(Object.getOwnPropertyNames(Object.prototype))('an event named %s is one that nobody knows', (event) => {
  expect(summaryOf({ id: '1', event, data: {} })).toEqual({ title: event, severity: 'info', facts: [] });
});
