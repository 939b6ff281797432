import amqp from 'amqplib';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write with amqplib: the messages of a batch, and then their confirms.

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
          });
        await channel.waitForConfirms();
      }
    },
    close: () => connection.close(),
  };
});
