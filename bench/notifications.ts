import { exampleBody } from '../src/cli/example.ts';
import { knownEvent } from '../src/cli/known-event.ts';
import type { Message } from '../src/cli/publisher.ts';
import { decode } from '../src/kazoo/decode.ts';
import type { Notification } from '../src/kazoo/notification.ts';

/** Bytes of each body. */
const size = 700;

/** Messages as KAZOO publishes them, a millisecond apart, with distinct bodies of 700 bytes. */
export function messages(count: number): Message[] {
  const event = knownEvent('voicemail_saved');
  const start = Date.now() - count;
  return Array.from({ length: count }, (_, index) => {
    const time = start + index;
    const body = exampleBody(event, time, []);
    const missing = size - JSON.stringify({ ...body, Text: '' }).length;
    return {
      routingKey: event.routingKey,
      body: Buffer.from(JSON.stringify({ ...body, Text: '.'.repeat(missing) })),
      time,
    };
  });
}

/** The same as intake hands them to the journal. */
export function notifications(count: number): Notification[] {
  return messages(count).map(({ routingKey, body, time }) =>
    decode(
      {
        body,
        routingKey,
        contentEncoding: undefined,
        timestamp: (time + gregorianEpoch) * 1000,
        zone: 'bench',
        receivedAt: time,
      },
      size,
    ),
  );
}

/** Milliseconds from the start of year 0 to 1970. */
const gregorianEpoch = 62_167_219_200_000;
