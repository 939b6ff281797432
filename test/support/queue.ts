import type { Channel } from 'amqplib';
import { type Connection, connect } from '../../src/broker/connection.ts';
import { bindQueue, ensureQueue, type QueueOptions } from '../../src/broker/topology.ts';

/** Does something with a queue that is declared and bound as a daemon does it. */
export async function withQueue(
  url: string,
  queue: QueueOptions,
  work: (channel: Channel, connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await connect({ url, heartbeat: 0, connectTimeout: 10_000, name: 'test' });
  try {
    await ensureQueue(connection, queue);
    const channel = await connection.openChannel();
    await bindQueue(channel, queue);
    await work(channel, connection);
  } finally {
    await connection.close(2_000);
  }
}
