import { describe, expect, test } from '@jest/globals';
import { Entry } from '../../src/notification/entry.ts';
import { notification } from '../support/notification.ts';

describe('the body of an entry', () => {
  test('is parsed once where it is small', () => {
    const entry = entryWith({ event_name: 'low_balance' });
    expect(entry.data).toEqual({ event_name: 'low_balance' });
    expect(entry.data).toBe(entry.data);
  });

  test('is not kept in memory as objects where it is large', () => {
    const body = { list: Array.from({ length: 10_000 }, () => ({})) };
    const entry = entryWith(body);
    expect(entry.data).toEqual(body);
    expect(entry.data).not.toBe(entry.data);
  });
});

function entryWith(body: object): Entry {
  return new Entry(1, null, notification({ json: JSON.stringify(body) }));
}
