import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../../test/support/postgresql.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { startDaemon } from '../daemon.ts';
import { messages } from '../notifications.ts';
import { memoryOf, stopwatch } from '../process.ts';
import { fill } from '../queue.ts';
import type { Part } from '../rounds.ts';
import { startReceiver } from '../webhook/start-receiver.ts';

/** Milliseconds for which nothing happens, after some for what follows a start. */
const settling = 5_000;
const usual = 20_000;

/** What a daemon takes that has nothing to do: two brokers, and three routes whose sinks are all open. */
export const idle: Part = {
  name: 'idle',
  metrics: {
    memory: { unit: 'MiB', digits: 1, against: 'nothing' },
    cpu: { unit: '% of a core', digits: 2, against: 'nothing' },
  },
  async open(scale) {
    const brokers = [await startBroker(), await startBroker()];
    const postgres = await startPostgres();
    const receiver = await startReceiver();
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const urls = brokers.map(({ url }) => url);
    const routes = threeRoutes(folder, postgres.url, receiver.url);
    return {
      contenders: [
        {
          name: 'daemon, two brokers, three routes',
          targets: { memory: { atMost: 80 }, cpu: { atMost: 0.5 } },
          async run() {
            const home = mkdtempSync(join(folder, 'daemon-'));
            // One notification, so that each sink has done what it does first.
            await fill(urls[0] ?? '', messages(1));
            const daemon = startDaemon({ folder: home, urls, routes });
            try {
              await daemon.says('"consuming"', urls.length);
              await daemon.settled(1);
              await delay(settling);
              const stop = stopwatch(daemon.process);
              await delay(usual * scale);
              const { seconds, cpuSeconds } = stop();
              return { memory: memoryOf(daemon.process)?.now ?? Number.NaN, cpu: (cpuSeconds / seconds) * 100 };
            } finally {
              await daemon.stop();
              rmSync(home, { recursive: true });
            }
          },
        },
      ],
      async close() {
        for (const server of [...brokers, postgres, receiver]) await server.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/** One of each sink that has something to keep open. */
export function threeRoutes(folder: string, database: string, webhook: string): object {
  return {
    archive: { start: 'earliest', sink: { type: 'file', path: join(folder, 'archive.ndjson') } },
    reports: { start: 'earliest', sink: { type: 'database', url: database } },
    crm: { start: 'earliest', sink: { type: 'webhook', url: webhook } },
  };
}
