import { connect } from '../src/broker/connection.ts';
import { bindQueue, ensureQueue } from '../src/broker/topology.ts';
import { connectPublisher, type Message } from '../src/cli/support/publisher.ts';

/** The daemon's queue, so large that it drops nothing. */
export const queue = {
  name: 'kazoo-relay',
  type: 'classic',
  maxLength: 1_000_000,
  maxLengthBytes: 4 * 1024 ** 3,
  expires: 3_600_000,
} as const;

/** Publishes all of them into the queue, where they wait; what an earlier program has left there is gone. */
export async function fill(url: string, messages: readonly Message[]): Promise<void> {
  const publisher = await connectPublisher(url);
  const connection = await connect({ url, heartbeat: 0, connectTimeout: 10_000, name: 'bench' });
  try {
    await ensureQueue(connection, queue);
    const channel = await connection.openChannel();
    await bindQueue(channel, queue);
    await channel.purgeQueue(queue.name);
    for (const message of messages) await publisher.send(message);
    await publisher.confirmed();
    const { messageCount } = await channel.checkQueue(queue.name);
    if (messageCount !== messages.length) {
      throw new Error(`${messageCount} notifications wait in the queue, not ${messages.length}`);
    }
  } finally {
    await connection.close(2_000);
    await publisher.close();
  }
}
