import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '../../src/cli/support/publisher.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { journalIn, startDaemon } from '../daemon.ts';
import { fillJournal } from '../fill-journal.ts';
import { messages, mixedMessages } from '../notifications.ts';
import { memoryOf, stopwatch } from '../process.ts';
import { fill } from '../queue.ts';
import { type Figures, type Part, throughputOf } from '../rounds.ts';

/** Notifications that wait in the queue. */
const usual = 100_000;

/** Routes with a backlog in the journal, and how much each of them has. */
const manyRoutes = 50;
const usualEach = 10_000;

/** The most memory that a daemon takes while a backlog goes through it to files. */
export const memory: Part = {
  name: 'memory',
  metrics: {
    memory: { unit: 'MiB at most', digits: 0, against: 'nothing' },
    cpu: { unit: 'µs CPU each', digits: 1, against: 'nothing' },
  },
  async open(scale) {
    const broker = await startBroker();
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const [items, each] = [Math.round(usual * scale), Math.round(usualEach * scale)];
    const fromQueue = (published: readonly Message[]) => async (home: string) => {
      await fill(broker.url, published);
      return run(broker.url, home, 1, items);
    };
    const fromJournal = async (home: string) => {
      await fillJournal(journalIn(home), each, Date.now());
      return run(broker.url, home, manyRoutes, each);
    };
    const contender = (name: string, atMost: number, work: (home: string) => Promise<Figures>) => ({
      name,
      targets: { memory: { atMost } },
      async run() {
        const home = mkdtempSync(join(folder, 'daemon-'));
        const figures = await work(home);
        rmSync(home, { recursive: true });
        return figures;
      },
    });
    return {
      contenders: [
        contender(`${items} from the queue`, 160, fromQueue(messages(items))),
        contender(`${items} of a day`, 160, fromQueue(mixedMessages(items))),
        contender(`${manyRoutes} routes, ${each} from the journal each`, 220, fromJournal),
      ],
      async close() {
        await broker.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/** Until all routes, each with a file, have settled as much. */
async function run(url: string, home: string, routes: number, items: number): Promise<Figures> {
  const names = Array.from({ length: routes }, (_, index) => `file${index}`);
  const routeOf = (name: string) => ({ start: 'earliest', sink: { type: 'file', path: join(home, `${name}.ndjson`) } });
  const daemon = startDaemon({
    folder: home,
    urls: [url],
    routes: Object.fromEntries(names.map((name) => [name, routeOf(name)])),
  });
  try {
    await daemon.says('"consuming"');
    const stop = stopwatch(daemon.process);
    await daemon.settled(items);
    const { cpu } = throughputOf(stop(), items * routes);
    return { memory: memoryOf(daemon.process)?.peak ?? Number.NaN, cpu };
  } finally {
    await daemon.stop();
  }
}
