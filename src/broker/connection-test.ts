import { hostname } from 'node:os';
import { type Connection, connect } from './connection.ts';
import type { Broker } from './link.ts';
import { codes, declareExchange, ensureQueue, exchangeExists, type QueueOptions, replyCodeOf } from './topology.ts';

interface ConnectionTestOptions {
  /** Milliseconds. */
  readonly heartbeat: number;
  readonly connectTimeout: number;
  readonly queue: QueueOptions;
}

/** How long the broker may take to say goodbye, in milliseconds. */
const closeWithin = 2_000;

/**
 * Tests whether notifications could be consumed from a broker, and returns the findings. It consumes and creates
 * nothing.
 * @throws the error of the socket or the broker; QueueConflict
 */
export async function testBrokerConnection({ url, tls }: Broker, options: ConnectionTestOptions): Promise<string> {
  const { heartbeat, connectTimeout, queue } = options;
  const name = `kazoo-relay check on ${hostname()}`;
  const connection = await connect({ url, tls, heartbeat: heartbeat / 1000, connectTimeout, name });
  try {
    const found = [`RabbitMQ ${connection.serverVersion}`, await examineExchange(connection)];
    found.push(await examineQueue(connection, queue));
    return found.join('; ');
  } finally {
    await connection.close(closeWithin);
  }
}

async function examineExchange(connection: Connection): Promise<string> {
  if (!(await exchangeExists(connection)))
    return 'no exchange notifications yet, which KAZOO declares, or the daemon where its user may';
  // If it exists, declaring it changes nothing, and shows whether its properties are equal.
  const refusal = await declareExchange(connection);
  return refusal === codes.preconditionFailed
    ? 'the exchange notifications has other properties than KAZOO gives it'
    : 'the exchange notifications is there';
}

async function examineQueue(connection: Connection, queue: QueueOptions): Promise<string> {
  try {
    const { messageCount, consumerCount } = await connection.attempt((channel) => channel.checkQueue(queue.name));
    // As with the exchange. Should it expire in this very moment, it is made, and expires again.
    await ensureQueue(connection, queue);
    return `the queue ${queue.name} is there (${messageCount} waiting, ${consumersText(consumerCount, queue)})`;
  } catch (error) {
    if (replyCodeOf(error) === codes.notFound) return `no queue ${queue.name} yet, which the daemon makes`;
    throw error;
  }
}

function consumersText(count: number, { consumers }: QueueOptions): string {
  if (count === 0) return 'no consumer';
  if (count <= consumers) return 'a daemon consumes';
  return `${count} consumers, and queue.consumers is ${consumers}: another program takes notifications away`;
}
