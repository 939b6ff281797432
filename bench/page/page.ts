import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectPublisher } from '../../src/cli/support/publisher.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { type Daemon, journalIn, ownBuild, startDaemon } from '../daemon.ts';
import { fillLargeJournal, letDie } from '../fill-journal.ts';
import { messages } from '../notifications.ts';
import { stopwatch } from '../process.ts';
import { fill } from '../queue.ts';
import { type Figures, type Part, throughput, throughputOf } from '../rounds.ts';

const usualRows = 5_000_000;
const usualDead = 1_000_000;

/** How often each page is asked for, and how long one is left open, in milliseconds. */
const usualAsks = 100;
const usualOpen = 20_000;

const usualWaiting = 200_000;

const paths = [
  '/',
  '/failures',
  '/failures/list?state=dead',
  '/notifications',
  '/notifications?event=low_balance',
  '/routes/log',
  '/events',
  '/audit',
];

/** The page over a journal in which there is much of everything. */
export const page: Part = {
  name: 'page',
  metrics: { p99: { unit: 'ms p99', digits: 0, against: 'nothing' } },
  async open(scale) {
    const [rows, dead] = [Math.ceil(usualRows * scale), Math.ceil(usualDead * scale)];
    const { options, close } = await openStage(rows, dead);
    const asks = Math.ceil(usualAsks * scale);
    const each = {
      name: `each page, ${rows} notifications, ${dead} dead letters`,
      targets: { p99: { atMost: 100 } },
      run: () => withPage(options, (at, cookie) => askAll(at, cookie, asks)),
    };
    return { contenders: [each], close };
  },
};

/** What it takes that somebody looks at it. */
export const pageOpen: Part = {
  name: 'page-open',
  metrics: { cpu: { unit: '% of a core', digits: 2, against: 'nothing' } },
  async open(scale) {
    const { options, url, close } = await openStage(Math.ceil(usualRows * scale * 0.1), 0);
    const open = {
      name: 'a page that is left open, one notification a second',
      targets: { cpu: { atMost: 1 } },
      run: () => withPage(options, (at, cookie, daemon) => leaveOpen(at, cookie, daemon, url, usualOpen * scale)),
    };
    return { contenders: [open], close };
  },
};

/** Intake and delivery of what waits in the queue, while nobody or many look. */
export const pageBusy: Part = {
  name: 'page-busy',
  metrics: throughput,
  async open(scale) {
    const items = Math.ceil(usualWaiting * scale);
    const published = messages(items);
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const broker = await startBroker();
    const run = (pages: number) => async () => {
      await fill(broker.url, published);
      const home = mkdtempSync(join(folder, 'daemon-'));
      const routes = { log: { start: 'earliest', sink: { type: 'log' } } };
      return withPage({ folder: home, urls: [broker.url], routes }, async (at, cookie, daemon) => {
        const closing = new AbortController();
        const stop = stopwatch(daemon.process);
        const open = Array.from({ length: pages }, () => follow(at, cookie, closing.signal));
        await daemon.settled(items);
        const taken = stop();
        closing.abort();
        await Promise.all(open);
        return throughputOf(taken, items);
      });
    };
    return {
      contenders: [
        { name: 'no page', run: run(0) },
        { name: 'ten pages open', targets: { cpu: { atMost: 1.05 } }, run: run(10) },
      ],
      async close() {
        await broker.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

async function openStage(rows: number, dead: number) {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
  const broker = await startBroker();
  const options = { folder, urls: [broker.url], routes: { log: { start: 'earliest', sink: { type: 'log' } } } };
  const first = startDaemon(options);
  await first.says('"consuming"');
  await first.stop();
  await fillLargeJournal(journalIn(folder), rows, Date.now(), '{}');
  letDie(journalIn(folder), 'log', dead, rows);
  const close = async () => {
    await broker.close();
    rmSync(folder, { recursive: true });
  };
  return { options, url: broker.url, close };
}

/** With a daemon, and somebody who is logged in. */
async function withPage(
  options: Parameters<typeof startDaemon>[0],
  work: (at: string, cookie: string, daemon: Daemon) => Promise<Figures>,
): Promise<Figures> {
  const daemon = startDaemon(options);
  try {
    await daemon.says('"consuming"');
    const config = join(options.folder, 'config.yaml');
    const link = new URL(
      execFileSync(process.execPath, [ownBuild, 'page', '--config', config], { encoding: 'utf8' }).trim(),
    );
    const body = new URLSearchParams({ link: link.searchParams.get('link') ?? '' });
    const answer = await fetch(`${link.origin}/login`, { method: 'POST', body, redirect: 'manual' });
    return await work(link.origin, answer.headers.get('set-cookie')?.split(';')[0] ?? '', daemon);
  } finally {
    await daemon.stop();
  }
}

async function askAll(at: string, cookie: string, asks: number): Promise<Figures> {
  const times: number[] = [];
  for (let count = 0; count < asks; count += 1) {
    for (const path of paths) {
      const begun = performance.now();
      const answer = await fetch(`${at}${path}`, { headers: { cookie } });
      await answer.text();
      if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}`);
      times.push(performance.now() - begun);
    }
  }
  times.sort((one, other) => one - other);
  return { p99: times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN };
}

/** What the daemon takes more of a core than without the page, as a browser has it open. */
async function leaveOpen(at: string, cookie: string, daemon: Daemon, url: string, time: number): Promise<Figures> {
  const publisher = await connectPublisher(url);
  const during = async (): Promise<number> => {
    const stop = stopwatch(daemon.process);
    const until = performance.now() + time;
    while (performance.now() < until) {
      for (const message of messages(1)) await publisher.send(message);
      await delay(1_000);
    }
    const { seconds, cpuSeconds } = stop();
    return (cpuSeconds / seconds) * 100;
  };
  const without = await during();
  const closing = new AbortController();
  const open = follow(at, cookie, closing.signal);
  const within = await during();
  closing.abort();
  await open;
  await publisher.close();
  return { cpu: within - without };
}

/** Reads the page again each time that it is told of a change. */
async function follow(at: string, cookie: string, signal: AbortSignal): Promise<void> {
  try {
    const stream = await fetch(`${at}/live`, { headers: { cookie }, signal });
    for await (const piece of stream.body ?? []) {
      if (Buffer.from(piece).includes('changed')) await (await fetch(`${at}/`, { headers: { cookie } })).text();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
