import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { oneRoute, takeAll } from '../intake/intake.ts';
import { messages } from '../notifications.ts';
import { fill } from '../queue.ts';
import { type Part, throughput, throughputOf } from '../rounds.ts';

const usual = 100_000;
const idleRoutes = 50;

/** What routes cost that want nothing of what comes: one route, against the same and fifty for another event. */
export const routes: Part = {
  name: 'routes',
  metrics: throughput,
  async open(scale) {
    const broker = await startBroker();
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const items = Math.round(usual * scale);
    const published = messages(items);
    const others = Array.from({ length: idleRoutes }, (_, index) => [
      `other${index}`,
      { ...oneRoute.log, events: ['port_*'] },
    ]);
    const run = (chosen: object) => async () => {
      await fill(broker.url, published);
      return throughputOf(await takeAll(broker.url, folder, chosen, items), items);
    };
    return {
      contenders: [
        { name: 'one log route', run: run(oneRoute) },
        {
          name: `and ${idleRoutes} that match nothing`,
          targets: { cpu: { atMost: 1.1 } },
          run: run({ ...oneRoute, ...Object.fromEntries(others) }),
        },
      ],
      async close() {
        await broker.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};
