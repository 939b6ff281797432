import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { expect, test } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { record, startReplayer } from '../../bench/compare/replayer.ts';
import { mixedMessages } from '../../bench/notifications.ts';
import { queue } from '../../bench/queue.ts';
import type { ReceivedMessage } from '../../src/broker/receiver.ts';
import { declareExchange } from '../../src/broker/topology.ts';
import { withQueue } from '../support/queue.ts';

test('what a consumer gets from the replayer is what was recorded, never more than it may have unacknowledged', async () => {
  const messages = mixedMessages(50);
  const replayer = await startReplayer(record(messages));
  try {
    await withQueue(replayer.url, queue, async (channel, connection) => {
      expect(await declareExchange(connection)).toBeUndefined();
      await channel.prefetch(20);
      const received: ReceivedMessage[] = [];
      connection.receive({
        zone: '',
        maxBodySize: 1_000_000,
        hasRoom: true,
        take: (message) => received.push(message),
      });
      // amqplib looks at nothing but the tag.
      const acknowledge = (deliveryTag: number) => channel.ack({ fields: { deliveryTag } } as ConsumeMessage, true);
      const { consumerTag } = await channel.consume(queue.name, () => undefined);

      const replaying = replayer.replay(30);
      // Its answer comes behind all that was delivered.
      expect(await channel.checkQueue(queue.name)).toMatchObject({ messageCount: 10, consumerCount: 1 });
      expect(received).toHaveLength(20);
      acknowledge(20);
      await channel.checkQueue(queue.name);
      expect(received).toHaveLength(30);
      acknowledge(30);
      await replaying;
      const rest = replayer.replay(20);
      await channel.checkQueue(queue.name);
      acknowledge(50);
      await rest;
      expect(received.map(({ routingKey, body }) => [routingKey, body])).toEqual(
        messages.map(({ routingKey, body }) => [routingKey, body]),
      );
      expect(received.every(({ timestamp }) => timestamp !== undefined)).toBe(true);
      await channel.cancel(consumerTag);
    });
  } finally {
    replayer.close();
  }
});

test('a client that asks for what the replayer does not know fails the replay, with the number of the method', async () => {
  const replayer = await startReplayer(record(mixedMessages(1)));
  const replaying = replayer.replay(1);
  const socket = connectSocket(Number(new URL(replayer.url).port), '127.0.0.1');
  await once(socket, 'connect');
  // basic.get
  socket.write(Buffer.from([...Buffer.from('AMQP\0\0\x09\x01'), 1, 0, 1, 0, 0, 0, 4, 0, 60, 0, 70, 0xce]));
  await expect(replaying).rejects.toThrow('AMQP method 60.70');
  socket.destroy();
  replayer.close();
});
