import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { connectPublisher, type Message } from '../../src/cli/support/publisher.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { until } from '../../test/support/until.ts';
import { type Daemon, journalIn, startDaemon, watchCursor } from '../daemon.ts';
import { fillJournal } from '../fill-journal.ts';
import { messages } from '../notifications.ts';
import { memoryOf, stopwatch } from '../process.ts';
import { type Figures, type Part, throughput, throughputOf } from '../rounds.ts';
import { startReceiver } from '../webhook/start-receiver.ts';

/** Notifications that wait; and those that are delivered while it is measured, live or from among these. */
const usualBacklog = 1_000_000;
const usual = 100_000;

/** What may be on its way through the daemon, while it is live: enough to keep its route busy. */
const live = 5_000;

/**
 * A webhook route that has a backlog, as it comes back after an outage of its receiver, against the same that has none.
 */
export const backlog: Part = {
  name: 'backlog',
  metrics: { ...throughput, memory: { unit: 'MiB at most', digits: 0, against: 'ratio' } },
  async open(scale) {
    const [rows, items] = [Math.round(usualBacklog * scale), Math.round(usual * scale)];
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const broker = await startBroker();
    const published = messages(items);
    const waiting = join(folder, 'waiting');
    await fillJournal(journalIn(waiting), rows, Date.now() - usual);
    // The port that the receiver comes back on.
    const { url, port, close } = await startReceiver();
    await close();
    const routes = {
      hook: { start: 'earliest', circuit: { maxPause: '1s' }, sink: { type: 'webhook', url, concurrency: 64 } },
    };
    return {
      contenders: [
        {
          name: 'live',
          run: () =>
            runLive({ folder: mkdtempSync(join(folder, 'live-')), urls: [broker.url], routes }, port, published),
        },
        {
          name: `${rows} waiting`,
          targets: { rate: { atLeast: 0.9 }, memory: { atMost: 1.3 } },
          run: () => runBack({ folder: waiting, urls: [broker.url], routes }, port, items),
        },
      ],
      async close() {
        await broker.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

type Options = Parameters<typeof startDaemon>[0];

async function runLive(options: Options, port: number, published: readonly Message[]): Promise<Figures> {
  const receiver = await startReceiver(port);
  const daemon = startDaemon(options);
  try {
    await daemon.says('"consuming"');
    const stop = stopwatch(daemon.process);
    await watchCursor(options.folder, (cursor) => publish(published, options.urls[0] ?? '', cursor));
    await daemon.settled(published.length);
    return figuresOf(daemon, stop, published.length);
  } finally {
    await daemon.stop();
    await receiver.close();
    rmSync(options.folder, { recursive: true });
  }
}

/** As fast as the route delivers. */
async function publish(published: readonly Message[], url: string, cursor: () => number): Promise<void> {
  const publisher = await connectPublisher(url);
  try {
    for (const [index, message] of published.entries()) {
      while (index % 100 === 0 && index - cursor() > live) await delay(2);
      await publisher.send(message);
    }
    await publisher.confirmed();
  } finally {
    await publisher.close();
  }
}

async function runBack(options: Options, port: number, items: number): Promise<Figures> {
  forgetRoute(options.folder);
  const daemon = startDaemon(options);
  try {
    await daemon.says('"consuming"');
    await daemon.says('sink unavailable');
    const receiver = await startReceiver(port);
    try {
      return await watchCursor(options.folder, async (cursor) => {
        const first = await until(cursor, { what: 'the first delivery', interval: 1 });
        const stop = stopwatch(daemon.process);
        await daemon.settled(first + items);
        return figuresOf(daemon, stop, cursor() - first);
      });
    } finally {
      await daemon.stop();
      await receiver.close();
    }
  } finally {
    await daemon.stop();
  }
}

function figuresOf(daemon: Daemon, stop: ReturnType<typeof stopwatch>, items: number): Figures {
  return { ...throughputOf(stop(), items), memory: memoryOf(daemon.process)?.peak ?? Number.NaN };
}

/** The whole backlog waits again. */
function forgetRoute(folder: string): void {
  const database = new DatabaseSync(join(journalIn(folder), 'journal.sqlite'));
  database.exec('DELETE FROM routes; DELETE FROM deliveries');
  database.close();
}
