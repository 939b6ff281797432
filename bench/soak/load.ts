import { setTimeout as delay } from 'node:timers/promises';
import amqp from 'amqplib';
import { within } from '../../src/common/async/deadlines.ts';
import { until } from '../../test/support/until.ts';

/** Notifications that are published one after the other, at a rate, numbered from 1 on. */
export interface Load {
  /** Those that the broker has in our queue. */
  readonly confirmed: ReadonlySet<number>;
  readonly unconfirmed: number;
  pause(): void;
  resume(): void;
  /** Waits for the last confirms. */
  stop(): Promise<void>;
}

export function startLoad(url: string, rate: number): Load {
  const stopping = new AbortController();
  const { signal } = stopping;
  const confirmed = new Set<number>();
  let [sent, unconfirmed, paused] = [0, 0, false];

  const publishing = (async () => {
    while (!signal.aborted) {
      await until(() => !paused || signal.aborted, { what: 'the broker', timeout: 120_000 });
      // A connection that breaks takes what isn't confirmed with it: nobody knows about that.
      await onOneConnection().catch(() => delay(100));
    }
  })();

  async function onOneConnection(): Promise<void> {
    const connection = await amqp.connect(url, { timeout: 5_000 });
    const pending = new Set<number>();
    let isOpen = true;
    connection.on('error', () => undefined);
    connection.on('close', () => {
      isOpen = false;
    });
    try {
      const channel = await within(5_000, 'the broker', connection.createConfirmChannel());
      channel.on('error', () => undefined);
      // Unroutable ones come back: our queue is not bound, so they don't count.
      const returned = new Set<number>();
      channel.on('return', (message) => void returned.add(Number(message.properties.messageId)));
      const first = performance.now();
      let here = 0;
      while (isOpen && !paused && !signal.aborted) {
        for (const due = ((performance.now() - first) / 1_000) * rate; here < due && pending.size < 5_000; here += 1) {
          sent += 1;
          const number = sent;
          pending.add(number);
          channel.publish('notifications', routingKey, body(number), options(number), (error) => {
            if (error === null && !returned.has(number)) confirmed.add(number);
            else unconfirmed += 1;
            pending.delete(number);
          });
        }
        await delay(10);
      }
      await until(() => pending.size === 0 || !isOpen, { what: 'the confirms', timeout: 10_000 });
    } finally {
      unconfirmed += pending.size;
      pending.clear();
      // One whose broker was killed may never answer.
      if (isOpen) await within(5_000, 'the broker', connection.close()).catch(() => undefined);
    }
  }

  return {
    confirmed,
    get unconfirmed() {
      return unconfirmed;
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
    },
    async stop() {
      stopping.abort();
      await publishing;
    },
  };
}

const routingKey = 'notifications.account.low_balance';

/** An event that may truly repeat: none is taken for a resend. */
function body(number: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      'App-Name': 'crossbar',
      'App-Version': '4.3',
      'Event-Category': 'notification',
      'Event-Name': 'low_balance',
      'Account-ID': 'f1e2d3c4b5a697887766554433221100',
      'Current-Balance': -1,
      'Msg-ID': `soak-${number}`,
      Node: 'kazoo_apps@apps1.example.com',
      Text: '.'.repeat(430),
    }),
  );
}

/** Persistent and mandatory, unlike KAZOO's own: what the broker loses when it is killed would not be ours to count. */
function options(number: number): amqp.Options.Publish {
  return {
    contentType: 'application/json',
    deliveryMode: 2,
    mandatory: true,
    messageId: String(number),
    timestamp: (Math.floor(Date.now() / 1_000) + 62_167_219_200) * 1e6,
  };
}
