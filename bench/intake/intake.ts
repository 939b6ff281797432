import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { stringify } from 'yaml';
import { connect } from '../../src/broker/connection.ts';
import { bindQueue, ensureQueue } from '../../src/broker/topology.ts';
import { type PrivateBroker, startPrivateBroker } from '../../src/cli/private-broker.ts';
import { connectPublisher, type Message } from '../../src/cli/publisher.ts';
import { until } from '../../test/support/until.ts';
import { messages } from '../notifications.ts';
import { type Measurement, measure, start, stopwatch } from '../process.ts';
import type { Part } from '../rounds.ts';

const items = 100_000;

/** The daemon with one log route, against a consumer that does nothing; all notifications wait in the queue. */
export const intake: Part = {
  name: 'intake',
  items,
  async open() {
    const broker = await startPrivateBroker();
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const published = messages(items);
    let round = 0;
    return {
      contenders: [
        {
          name: 'bare amqplib consumer',
          async run() {
            await fill(broker, published);
            return measure(join(import.meta.dirname, 'bare.ts'), { url: broker.url, queue: queue.name, items });
          },
        },
        {
          name: 'daemon, one log route',
          target: { rate: 1 / 3, cpu: 3 },
          async run() {
            await fill(broker, published);
            round += 1;
            return runDaemon(broker.url, join(folder, String(round)));
          },
        },
      ],
      async close() {
        await broker.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

const queue = {
  name: 'kazoo-relay',
  type: 'classic',
  maxLength: 2 * items,
  maxLengthBytes: 1024 ** 3,
  expires: 3_600_000,
} as const;

/** Publishes all of them into the queue. */
async function fill(broker: PrivateBroker, published: readonly Message[]): Promise<void> {
  const publisher = await connectPublisher(broker.url);
  const connection = await connect({ url: broker.url, heartbeat: 0, connectTimeout: 10_000, name: 'bench' });
  try {
    await ensureQueue(connection, queue);
    const channel = await connection.openChannel();
    await bindQueue(channel, queue);
    for (const message of published) await publisher.send(message);
    await publisher.confirmed();
    const { messageCount } = await channel.checkQueue(queue.name);
    if (messageCount !== items) throw new Error(`${messageCount} notifications wait in the queue, not ${items}`);
  } finally {
    await connection.close(2_000);
    await publisher.close();
  }
}

/** From the moment when it consumes to the one when its journal has all, and its route has settled all. */
async function runDaemon(url: string, folder: string): Promise<Measurement> {
  mkdirSync(folder);
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    stringify({
      brokers: [{ zone: 'bench', url }],
      queue: { ...queue, expires: `${queue.expires}ms` },
      journal: { path: folder },
      http: { listen: 'off' },
      log: { format: 'json' },
      routes: { log: { start: 'earliest', sink: { type: 'log' } } },
    }),
  );
  const daemon = start('src/main.ts', ['run', '--config', config], ['ignore', 'ignore', 'pipe']);
  let log = '';
  daemon.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const ended = once(daemon, 'exit').then(() => Promise.reject(new Error(`the daemon has ended: ${log}`)));
  await Promise.race([until(() => log.includes('"consuming"'), { what: 'the daemon to consume', interval: 1 }), ended]);
  const stop = stopwatch(daemon);
  await Promise.race([untilSettled(folder), ended]);
  const measurement = stop();
  ended.catch(() => undefined);
  daemon.kill('SIGTERM');
  await once(daemon, 'exit');
  rmSync(folder, { recursive: true });
  return measurement;
}

/** The route's cursor stands at the end once all is in the journal and out on stdout; it is saved every 100 ms at least. */
async function untilSettled(folder: string): Promise<void> {
  const database = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true, timeout: 5_000 });
  try {
    const cursor = database.prepare('SELECT min(cursor) AS cursor FROM routes');
    await until(() => cursor.get()?.cursor === items, { what: 'all to be settled', interval: 10, timeout: 120_000 });
  } finally {
    database.close();
  }
}
