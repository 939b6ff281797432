import { exampleBody } from '../src/cli/support/example.ts';
import { findEvent } from '../src/cli/support/lookup.ts';
import type { Message } from '../src/cli/support/publisher.ts';
import { noLimits } from '../src/kazoo/body.ts';
import { commonFields, exampleRoutingKey } from '../src/kazoo/catalogue.ts';
import { decode } from '../src/kazoo/decode.ts';
import type { EventDefinition } from '../src/kazoo/event.ts';
import { toAmqpTimestamp } from '../src/kazoo/time.ts';
import { day } from './mix.ts';

/** Messages as KAZOO publishes them, a millisecond apart, with distinct bodies of 700 bytes. @param end Unix milliseconds */
export function messages(count: number, end = Date.now()): Message[] {
  const event = findEvent('voicemail_saved');
  return Array.from({ length: count }, (_, index) => message(event, 700, end - count + index));
}

/** The same with the events and sizes of a day: each of them, from 300 bytes to 16 KiB. */
export function mixedMessages(count: number): Message[] {
  const start = Date.now() - count;
  return day()
    .take(count)
    .map(({ event, size }, index) => message(event, size, start + index))
    .toArray();
}

/** Those of `messages` as intake hands them to the journal. */
export function notifications(count: number, end = Date.now()): ReturnType<typeof decode>[] {
  return messages(count, end).map(({ routingKey, body, time }) =>
    decode(
      {
        body,
        routingKey,
        contentEncoding: undefined,
        timestamp: toAmqpTimestamp(time),
        zone: 'bench',
        receivedAt: time,
      },
      noLimits,
    ),
  );
}

/** @param size bytes of the body, or as few as the event's required fields make */
function message(event: EventDefinition, size: number, time: number): Message {
  const whole = exampleBody(event, time, []);
  const body = lengthOf(whole) < size ? whole : onlyRequired(whole, event);
  const missing = size - lengthOf({ ...body, Text: '' });
  if (lengthOf(body) < size) body.Text = '.'.repeat(Math.max(missing, 0));
  return { routingKey: exampleRoutingKey(event), body: Buffer.from(JSON.stringify(body)), time };
}

function lengthOf(body: object): number {
  return Buffer.byteLength(JSON.stringify(body));
}

function onlyRequired<T extends object>(body: T, { fields }: EventDefinition): T {
  const required = new Set([...fields, ...commonFields].filter((field) => field.required).map(({ wire }) => wire));
  // What is left out of a body is optional in it.
  return Object.fromEntries(Object.entries(body).filter(([key]) => required.has(key) || key === 'Call-ID')) as T;
}
