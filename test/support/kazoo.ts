import amqp from 'amqplib';

/**
 * Publishes notifications as a KAZOO node does, and returns their `msg_id`s once the broker has confirmed them.
 * @param options of each message, where it is to be otherwise than KAZOO's
 */
export async function publishAsKazoo(
  url: string,
  count: number,
  parts: object = {},
  options: amqp.Options.Publish = {},
): Promise<string[]> {
  const connection = await amqp.connect(url);
  // Where the broker dies, the wait for its confirms rejects.
  connection.on('error', () => undefined);
  await declareOn(connection);
  const channel = await connection.createConfirmChannel();
  const ids = Array.from({ length: count }, nextId);
  for (const id of ids) {
    const body = {
      'App-Name': 'crossbar',
      'App-Version': '4.3',
      'Event-Category': 'notification',
      'Event-Name': 'low_balance',
      'Account-ID': 'f1e2d3c4b5a697887766554433221100',
      'Current-Balance': -1,
      'Msg-ID': id,
      Node: 'kazoo_apps@apps1.example.com',
      ...parts,
    };
    channel.publish('notifications', 'notifications.account.low_balance', Buffer.from(JSON.stringify(body)), {
      contentType: 'application/json',
      timestamp: (Math.floor(Date.now() / 1000) + 62_167_219_200) * 1e6,
      ...options,
    });
  }
  await channel.waitForConfirms();
  await connection.close();
  return ids;
}

/** What each KAZOO node does when it connects; fails, as KAZOO does, if somebody declared the exchange otherwise. */
export async function declareAsKazoo(url: string): Promise<void> {
  const connection = await amqp.connect(url);
  await declareOn(connection);
  await connection.close();
}

async function declareOn(connection: amqp.ChannelModel): Promise<void> {
  const channel = await connection.createChannel();
  await channel.assertExchange('notifications', 'topic', { durable: false, autoDelete: false, internal: false });
}

/** Does one thing on a channel of its own. */
export async function onChannel<T>(url: string, work: (channel: amqp.Channel) => Promise<T>): Promise<T> {
  const connection = await amqp.connect(url);
  connection.on('error', () => undefined);
  try {
    return await work(await connection.createChannel());
  } finally {
    await connection.close().catch(() => undefined);
  }
}

let made = 0;

function nextId(): string {
  made += 1;
  return `message-${made}`;
}
