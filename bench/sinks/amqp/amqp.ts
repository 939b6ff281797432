import { join } from 'node:path';
import amqplib from 'amqplib';
import { startBroker } from '../../../test/support/rabbitmq.ts';
import { sinkPart } from '../part.ts';

/** To a durable queue. */
export const amqp = sinkPart({
  name: 'amqp',
  type: 'amqp',
  usual: 100_000,
  atLeast: 0.85,
  bare: [{ name: 'bare amqplib', program: join(import.meta.dirname, 'bare.ts') }],
  async open() {
    const broker = await startBroker();
    const connection = await amqplib.connect(broker.url);
    const channel = await connection.createChannel();
    await channel.assertQueue('bench', { durable: true });
    return {
      options: { url: broker.url, exchange: 'amq.default', routingKey: 'bench' },
      empty: async () => void (await channel.purgeQueue('bench')),
      count: async () => (await channel.checkQueue('bench')).messageCount,
      async close() {
        await connection.close();
        await broker.close();
      },
    };
  },
});
