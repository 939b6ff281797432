import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '../../src/cli/support/publisher.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { startDaemon } from '../daemon.ts';
import { messages, mixedMessages } from '../notifications.ts';
import { type Measurement, measure, stopwatch } from '../process.ts';
import { fill, queue } from '../queue.ts';
import { type Part, throughput, throughputOf } from '../rounds.ts';

/** The daemon with one log route, against a consumer that does nothing; all notifications wait in the queue. */
export const intake = partWith('intake', 300_000, messages, 2.5);
/** The same with the notifications of a day. */
export const intakeMix = partWith('intake-mix', 300_000, mixedMessages, 3.5);

/** @param mostCpu as many times the consumer's */
function partWith(name: string, usual: number, make: (count: number) => Message[], mostCpu: number): Part {
  return {
    name,
    metrics: throughput,
    async open(scale) {
      const broker = await startBroker();
      const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
      const items = Math.round(usual * scale);
      const published = make(items);
      return {
        contenders: [
          {
            name: 'bare amqplib consumer',
            async run() {
              await fill(broker.url, published);
              const task = { url: broker.url, queue: queue.name, items };
              return throughputOf(await measure(join(import.meta.dirname, 'bare.ts'), task), items);
            },
          },
          {
            name: 'daemon, one log route',
            targets: { rate: { atLeast: 1 / 3 }, cpu: { atMost: mostCpu } },
            async run() {
              await fill(broker.url, published);
              return throughputOf(await takeAll(broker.url, folder, oneRoute, items), items);
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
}

export const oneRoute = { log: { start: 'earliest', sink: { type: 'log' } } };

/**
 * A daemon with a new journal, from the moment when it consumes to the one when its journal has all that waits in the
 * queue and its routes have settled it.
 */
export async function takeAll(url: string, folder: string, routes: object, items: number): Promise<Measurement> {
  const home = mkdtempSync(join(folder, 'daemon-'));
  const daemon = startDaemon({ folder: home, urls: [url], routes });
  try {
    await daemon.says('"consuming"');
    const stop = stopwatch(daemon.process);
    await daemon.settled(items);
    return stop();
  } finally {
    await daemon.stop();
    rmSync(home, { recursive: true });
  }
}
