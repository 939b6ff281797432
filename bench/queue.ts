import { connectPublisher, type Message } from '../src/cli/support/publisher.ts';
import { withQueue } from '../test/support/queue.ts';

/** The daemon's queue, so large that it drops nothing. */
export const queue = {
  name: 'kazoo-relay',
  type: 'classic',
  maxLength: 1_000_000,
  maxLengthBytes: 4 * 1024 ** 3,
  expires: 3_600_000,
  consumers: 1,
} as const;

/** Publishes all of them into the queue, where they wait; what was left there is deleted. */
export async function fill(url: string, messages: readonly Message[]): Promise<void> {
  const publisher = await connectPublisher(url);
  try {
    await withQueue(url, queue, async (channel) => {
      await channel.purgeQueue(queue.name);
      for (const message of messages) await publisher.send(message);
      await publisher.confirmed();
      const { messageCount } = await channel.checkQueue(queue.name);
      if (messageCount !== messages.length) {
        throw new Error(`${messageCount} notifications wait in the queue, not ${messages.length}`);
      }
    });
  } finally {
    await publisher.close();
  }
}
