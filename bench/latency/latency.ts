import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPublisher } from '../../src/cli/support/publisher.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { startDaemon } from '../daemon.ts';
import { messages } from '../notifications.ts';
import { start } from '../process.ts';
import { fill, queue } from '../queue.ts';
import type { Figures, Part } from '../rounds.ts';
import { type Clock, startClock } from './clock.ts';

const perSecond = 200;
const usual = 3_000;

/**
 * From the publishing to the arrival at a webhook's receiver: the daemon, against a consumer that posts at once and
 * keeps nothing.
 */
export const latency: Part = {
  name: 'latency',
  metrics: {
    p50: { unit: 'ms p50', digits: 1, against: 'difference' },
    p99: { unit: 'ms p99', digits: 1, against: 'difference' },
  },
  async open(scale) {
    const broker = await startBroker();
    const clock = await startClock();
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const count = Math.round(usual * scale);
    return {
      contenders: [
        {
          name: 'bare consumer that posts',
          async run() {
            // Both have the same queue, so that nothing is left in it for the other.
            await fill(broker.url, []);
            const task = { url: broker.url, queue: queue.name, receiver: clock.url };
            const program = join(import.meta.dirname, 'bare.ts');
            const bare = start(program, [JSON.stringify(task)], ['ignore', 'ignore', 'inherit', 'ipc']);
            await once(bare, 'message');
            const figures = await publish(broker.url, clock, count);
            const ended = once(bare, 'exit');
            bare.disconnect();
            await ended;
            return figures;
          },
        },
        {
          name: 'daemon, one webhook route',
          targets: { p50: { atMost: 5 }, p99: { atMost: 20 } },
          async run() {
            const home = mkdtempSync(join(folder, 'daemon-'));
            const routes = { hook: { start: 'earliest', sink: { type: 'webhook', url: clock.url } } };
            const daemon = startDaemon({ folder: home, urls: [broker.url], routes });
            try {
              await daemon.says('"consuming"');
              return await publish(broker.url, clock, count);
            } finally {
              await daemon.stop();
              rmSync(home, { recursive: true });
            }
          },
        },
      ],
      async close() {
        await broker.close();
        await clock.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/** Publishes at the rate, and waits for all to arrive. The first tenth warms up, and doesn't count. */
async function publish(url: string, clock: Clock, count: number): Promise<Figures> {
  const publisher = await connectPublisher(url);
  const latencies = await clock.time(messages(count), perSecond, (message) => publisher.send(message));
  await publisher.close();
  const sorted = latencies.slice(Math.ceil(count / 10)).sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
