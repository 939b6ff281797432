import { once } from 'node:events';
import amqp from 'amqplib';
import { Pool } from 'undici';

// Posts each message as it comes in, and acknowledges it when that is answered: what anybody would write first.

const { url, queue, receiver } = JSON.parse(process.argv[2] ?? '');
const pool = new Pool(receiver, { connections: 16 });
const connection = await amqp.connect(url, { noDelay: true });
const channel = await connection.createChannel();
await channel.prefetch(1_000);
await channel.consume(queue, async (message) => {
  if (message === null) throw new Error('the queue was deleted');
  const headers = { 'content-type': 'application/json' };
  const answer = await pool.request({ path: '/', method: 'POST', headers, body: message.content });
  await answer.body.dump();
  channel.ack(message);
});
process.send?.('ready');
await once(process, 'disconnect');
await connection.close();
await pool.close();
