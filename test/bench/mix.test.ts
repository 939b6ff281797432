import { expect, test } from '@jest/globals';
import { messages, mixedMessages } from '../../bench/notifications.ts';
import type { JsonObject } from '../../src/common/json.ts';
import { events } from '../../src/kazoo/catalogue.ts';
import { normalise } from '../../src/kazoo/normalise.ts';
import { createValidator } from '../../src/schema/validator.ts';

const validator = createValidator([]);

test('a day has all events, from 300 bytes to 16 KiB, and nothing that is invalid', () => {
  const day = mixedMessages(3_000);
  const sizes = day.map(({ body }) => body.length);
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(300);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(16 * 1024);
  expect(Math.max(...sizes)).toBeGreaterThan(12 * 1024);
  const names = new Set(day.map(({ body }) => JSON.parse(body.toString())['Event-Name']));
  expect(names).toEqual(new Set(events.map(({ name }) => name)));
  const bodies = day.map(({ body }) => JSON.parse(body.toString()) as JsonObject); // which is what was made
  expect(bodies.flatMap((body) => validator.validate(String(body['Event-Name']), normalise(body).data))).toEqual([]);
});

test('the plain ones are all of 700 bytes and all different', () => {
  const plain = messages(500).map(({ body }) => body.toString());
  expect(plain.every((body) => body.length === 700)).toBe(true);
  expect(new Set(plain).size).toBe(500);
});
