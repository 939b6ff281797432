import amqp from 'amqplib';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write with amqplib: the messages of a batch, with the same properties as the sink's, and then their confirms.

await contend<SinkTask>(async (task) => {
  const connection = await amqp.connect(String(task.options.url));
  const channel = await connection.createConfirmChannel();
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        for (const { header, json } of batch)
          channel.publish('', String(task.options.routingKey), Buffer.from(json), {
            persistent: true,
            mandatory: true,
            messageId: header.id,
            contentType: 'application/json',
            timestamp: Math.floor(header.occurredAt / 1_000),
            type: header.event ?? 'unknown',
            appId: 'kazoo-relay',
          });
        await channel.waitForConfirms();
      }
    },
    close: () => connection.close(),
  };
});
