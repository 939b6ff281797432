import amqp from 'amqplib';
import { contend } from '../process.ts';

// A consumer that does nothing but acknowledge: what receiving costs whoever uses amqplib.

await contend<{ url: string; queue: string; items: number }>(async ({ url, queue, items }) => {
  const connection = await amqp.connect(url);
  const channel = await connection.createChannel();
  await channel.prefetch(1_000);
  return {
    async run() {
      const { promise, resolve } = Promise.withResolvers<void>();
      let received = 0;
      await channel.consume(queue, (message) => {
        if (message === null) throw new Error('the queue was deleted');
        received += 1;
        if (received % 50 === 0) channel.ack(message, true);
        if (received === items) resolve();
      });
      await promise;
    },
    close: () => connection.close(),
  };
});
