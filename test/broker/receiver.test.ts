import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { ReceivedMessage, receive } from '../../src/broker/receiver.ts';
import { type FrameReader, readOn } from '../../src/common/net/amqplib.ts';
import { decode } from '../../src/kazoo/decode.ts';
import { contentHeader, deliverMethod, frame, short } from '../support/frames.ts';

const body = Buffer.from('{"Event-Name":"low_balance"}');
const maxBodySize = 100_000;
const limits = { maxBodySize, maxBodyMembers: 20_000 };
const timestamp = Buffer.from('00000e7791f70000', 'hex');

describe('messages are taken from what the socket reads', () => {
  test('wherever it is cut, and whatever stands between them', () => {
    const heartbeat = frame(8, 0, Buffer.alloc(0));
    const bytes = Buffer.concat([
      heartbeat,
      ...message(1, 'notifications.a.b', body),
      heartbeat,
      ...message(2 ** 33, 'notifications.é.b', Buffer.alloc(0)),
      frame(1, 1, deliverMethod(3, 'c')),
      heartbeat,
      frame(2, 1, contentHeader(body.length, 0, Buffer.alloc(0))),
      frame(3, 1, body.subarray(0, 5)),
      heartbeat,
      frame(3, 1, body.subarray(5, 6)),
      frame(3, 1, body.subarray(6)),
      heartbeat,
    ]);
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const { taken, others } = reading([bytes.subarray(0, cut), bytes.subarray(cut)]);
      expect(taken).toEqual([
        delivered({ deliveryTag: 1, routingKey: 'notifications.a.b', body }),
        delivered({ deliveryTag: 2 ** 33, routingKey: 'notifications.é.b', body: Buffer.alloc(0) }),
        delivered({ deliveryTag: 3, routingKey: 'c', body, timestamp: undefined }),
      ]);
      expect(others).toHaveLength(5);
    }
    expect(reading([...bytes].map((byte) => Buffer.from([byte]))).taken).toHaveLength(3);
  });

  test('with the properties that intake asks for, behind all that may stand before them', () => {
    const table = Buffer.concat([Buffer.from([0, 0, 0, 4]), Buffer.from('junk')]);
    const before = [short('text/plain'), short('gzip'), table, Buffer.from([2]), Buffer.from([9])];
    const texts = ['correlation', 'reply-to', 'expiration', 'message id'].map(short);
    const { taken } = reading([
      Buffer.concat(withProperties(0xfff8, Buffer.concat([...before, ...texts, timestamp, short('type')]))),
      Buffer.concat(withProperties(0x4000, short('identity'))),
      Buffer.concat(withProperties(0x0040, timestamp)),
      Buffer.concat(withProperties(0x003c, short('type'))),
      Buffer.concat(withProperties(0x0080, Buffer.from([2, 0xff, 0x80]))),
    ]);
    const found = taken.map(({ contentEncoding, messageId, timestamp }) => [contentEncoding, messageId, timestamp]);
    expect(found).toEqual([
      ['gzip', 'message id', 0x0e7791f70000],
      ['identity', undefined, undefined],
      [undefined, undefined, 0x0e7791f70000],
      [undefined, undefined, undefined],
      [undefined, '\u00ff\u0080', undefined],
    ]);
  });

  test('without properties that are cut off, or longer than there is', () => {
    for (const [flags, properties] of [
      [0xffff, Buffer.alloc(0)],
      [0x8040, Buffer.from([255])],
      [0x8040, Buffer.from([7, ...timestamp])],
      [0x2040, Buffer.from([255, 255, 255, 255, ...timestamp])],
      [0x2040, Buffer.from([0, 0])],
      [0x4000, Buffer.from([9, 0x67])],
      [0x0040, timestamp.subarray(1)],
    ] as const) {
      const { taken } = reading([
        Buffer.concat([...withProperties(flags, properties), ...message(2, 'a', body)]),
        Buffer.concat(withProperties(flags, properties)), // with nothing behind it
      ]);
      expect(taken.map(({ deliveryTag }) => deliveryTag)).toEqual([1, 2, 1]);
      expect(taken[0]).toEqual(delivered({ timestamp: undefined }));
    }
  });
});

describe('while its recipient has no room', () => {
  test('nothing is read from the socket, which counts as no silence of the broker, and it goes on where it stopped', () => {
    const waiting = [1, 2, 3, 4].map((tag) => Buffer.concat(message(tag, 'a', body)));
    const stream = Object.assign(new EventEmitter(), { read: () => waiting.shift() ?? null });
    const reader = {
      stream,
      maxFrameSize: 0,
      rest: Buffer.alloc(0),
      recvSinceLastCheck: false,
      recvFrame: (): unknown => false,
    };
    // As amqplib does it.
    stream.on('readable', () => {
      while (reader.recvFrame() !== false);
    });
    const recipient = { zone: 'z', maxBodySize, hasRoom: true, taken: 0, take: () => {} };
    recipient.take = () => {
      recipient.taken += 1;
      recipient.hasRoom = recipient.taken !== 2;
    };
    receive(reader as unknown as FrameReader, recipient);
    stream.emit('readable');
    expect([recipient.taken, waiting.length]).toEqual([2, 2]);
    reader.recvSinceLastCheck = false;
    stream.emit('readable');
    expect([recipient.taken, waiting.length, reader.recvSinceLastCheck]).toEqual([2, 2, true]);
    recipient.hasRoom = true;
    readOn(reader as unknown as FrameReader);
    expect([recipient.taken, waiting.length]).toEqual([4, 0]);
  });
});

describe('of a body that is too large', () => {
  const large = Buffer.from(`{"a":"${'x'.repeat(maxBodySize)}"}`);
  const digest = createHash('sha256').update(large).digest('hex');

  test.each([1_000, 65_536, 80_000])('only the beginning is held, in frames of %i bytes', (size) => {
    const parts: Buffer[] = [];
    for (let at = 0; at < large.length; at += size) parts.push(frame(3, 1, large.subarray(at, at + size)));
    const { taken } = reading([
      ...message(1, 'a', Buffer.alloc(0), large.length),
      ...parts,
      ...message(2, 'a', large.subarray(0, maxBodySize)),
    ]);
    expect(taken).toEqual([
      delivered({ body: large.subarray(0, 65_536), digest }),
      delivered({ deliveryTag: 2, body: large.subarray(0, maxBodySize) }),
    ]);
  });

  test('no more is held than it has', () => {
    const { taken } = reading(message(1, 'a', body), body.length - 1);
    expect(taken).toEqual([delivered({ body, digest: createHash('sha256').update(body).digest('hex') })]);
  });

  test('the notification is the same as if all of it had been held', () => {
    const { taken } = reading(message(1, 'a', large));
    const [beginning = delivered({})] = taken;
    expect(decode(beginning, limits)).toEqual(decode({ ...beginning, body: large, digest: undefined }, limits));
  });
});

describe('a connection fails at', () => {
  test.each([
    ['a frame without its end', message(1, 'a', body).map((one) => one.fill(0, one.length - 1)), /without its end/],
    ['a frame of a gigabyte', [Buffer.from([1, 0, 1, 0x40, 0, 0, 0])], /a frame of 1073741824 bytes/],
    ['a message within a message', [...message(1, 'a', body).slice(0, 2), ...message(2, 'a', body)], /in the middle/],
    ['more of a body than was announced', [...message(1, 'a', body, body.length - 1)], /more of a message/],
  ])('%s', (_what, frames, error) => {
    expect(() => reading(frames)).toThrow(error);
  });

  test('parts of messages that nothing goes before, which amqplib judges', () => {
    const [, properties, content] = message(1, 'a', body);
    const { taken, others } = reading([properties, content]);
    expect(taken).toEqual([]);
    expect(others).toHaveLength(2);
  });
});

/** In place of when a message has come. */
const arrival = 1_700_000_000_000;

/** Lets a receiver read pieces, in the place of amqplib, whose own reading takes any frame. */
function reading(
  pieces: readonly (Buffer | undefined)[],
  most = maxBodySize,
): { taken: ReceivedMessage[]; others: Buffer[] } {
  const waiting = [...pieces];
  const taken: ReceivedMessage[] = [];
  const others: Buffer[] = [];
  const reader = {
    stream: { read: () => waiting.shift() ?? null },
    maxFrameSize: 64 * 1024 * 1024,
    rest: Buffer.alloc(0),
    recvSinceLastCheck: false,
    recvFrame(): unknown {
      const end = 8 + this.rest.readUInt32BE(3);
      others.push(this.rest.subarray(0, end));
      this.rest = this.rest.subarray(end);
      return {};
    },
  };
  const take = (one: Readonly<ReceivedMessage>) => taken.push({ ...one, receivedAt: arrival });
  receive(reader as unknown as FrameReader, { zone: 'z', maxBodySize: most, hasRoom: true, take });
  while (reader.recvFrame() !== false);
  expect(reader.recvSinceLastCheck).toBe(true);
  return { taken, others };
}

/** The frames of a message. @param announced bytes that its body is said to have */
function message(deliveryTag: number, routingKey: string, content: Buffer, announced = content.length): Buffer[] {
  const properties = Buffer.concat([short('application/json'), timestamp]);
  return [
    frame(1, 1, deliverMethod(deliveryTag, routingKey)),
    frame(2, 1, contentHeader(announced, 0x8040, properties)),
    ...(content.length === 0 ? [] : [frame(3, 1, content)]),
  ];
}

function withProperties(flags: number, properties: Buffer): Buffer[] {
  const [method, , content] = message(1, 'a', body);
  return [method, frame(2, 1, contentHeader(body.length, flags, properties)), content].filter(
    (part) => part !== undefined,
  );
}

function delivered(fields: Partial<ReceivedMessage>): ReceivedMessage {
  const message = { ...new ReceivedMessage('z'), deliveryTag: 1, routingKey: 'a', timestamp: 0x0e7791f70000, body };
  return { ...message, receivedAt: arrival, ...fields };
}
