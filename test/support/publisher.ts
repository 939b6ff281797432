import { setTimeout as delay } from 'node:timers/promises';
import amqp from 'amqplib';

export interface Publisher {
  /** Ends it; gives the `msg_id` of everything that the broker has confirmed. */
  stop(): Promise<string[]>;
}

/** Publishes so many notifications a second, of ten accounts, until it is told to stop. */
export function publishSteadily(url: string, perSecond: number): Publisher {
  const stopping = new AbortController();
  const publishing = publish(url, perSecond, stopping.signal);
  return {
    stop() {
      stopping.abort();
      return publishing;
    },
  };
}

async function publish(url: string, perSecond: number, signal: AbortSignal): Promise<string[]> {
  const connection = await amqp.connect(url);
  const channel = await connection.createConfirmChannel();
  const ids: string[] = [];
  const started = performance.now();
  while (!signal.aborted) {
    const due = ((performance.now() - started) * perSecond) / 1_000;
    while (ids.length < due) {
      const id = `steady-${ids.length}`;
      ids.push(id);
      const timestamp = (Math.floor(Date.now() / 1_000) + 62_167_219_200) * 1e6;
      channel.publish('notifications', 'notifications.account.low_balance', bodyOf(id, ids.length % 10), {
        contentType: 'application/json',
        timestamp,
      });
    }
    await delay(10);
  }
  await channel.waitForConfirms();
  await connection.close();
  return ids;
}

function bodyOf(id: string, account: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      'App-Name': 'crossbar',
      'App-Version': '4.3',
      'Event-Category': 'notification',
      'Event-Name': 'low_balance',
      'Account-ID': `account-${account}`,
      'Current-Balance': -1,
      'Msg-ID': id,
      Node: 'kazoo_apps@apps1.example.com',
    }),
  );
}
