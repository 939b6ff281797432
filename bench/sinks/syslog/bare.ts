import { once } from 'node:events';
import { connect } from 'node:net';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write: the messages of a batch in one write, each with its length.

await contend<SinkTask>(async (task) => {
  const { hostname, port } = new URL(String(task.options.url));
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        const messages = batch.map(({ envelope, json }) => {
          const { id, event, account_id, zone, occurred_at } = envelope;
          const data = `[kazoo@32473 id="${id}" event="${event}" account_id="${account_id}" zone="${zone}"]`;
          const message = `<30>1 ${occurred_at} relay1 kazoo-relay 1 ${event} ${data} ${json}`;
          return `${Buffer.byteLength(message)} ${message}`;
        });
        await new Promise<void>((resolve, reject) => {
          socket.write(messages.join(''), (error) => (error ? reject(error) : resolve()));
        });
      }
    },
    async close() {
      socket.end();
      await once(socket, 'close');
    },
  };
});
