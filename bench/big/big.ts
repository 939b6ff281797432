import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { journalIn, ownBuild, startDaemon } from '../daemon.ts';
import { fillLargeJournal, letDie } from '../fill-journal.ts';
import { start } from '../process.ts';
import type { Figures, Part } from '../rounds.ts';
import { longestAppend } from './tidy.ts';

const usualRoutes = 2_000;
const usualDead = 1_000_000;
const usualRows = 20_000_000;
const usualOld = 500_000;

/** What an operator waits for where there is much of everything. */
export const big: Part = {
  name: 'big',
  metrics: { time: { unit: 's', digits: 2, against: 'nothing' } },
  async open(scale) {
    const [routes, dead, rows, old] = [usualRoutes, usualDead, usualRows, usualOld].map((usual) =>
      Math.ceil(usual * scale),
    ) as [number, number, number, number]; // as many as they are
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const broker = await startBroker();
    const urls = [broker.url];
    const many = { folder: join(folder, 'routes'), urls, routes: manyRoutes(routes) };
    const one = { log: { start: 'now', sink: { type: 'log' } } };
    const large = { folder: join(folder, 'large'), urls, routes: one };
    await fillLargeJournal(journalIn(large.folder), rows, Date.now(), '{}');
    const letters = {
      folder: join(folder, 'dead'),
      urls,
      routes: { log: { start: 'earliest', sink: { type: 'log' } } },
    };
    await makeDeadLetters(letters, dead);
    const tidied = join(folder, 'old');
    await fillLargeJournal(tidied, old, Date.now() - old - 20 * 3_600_000);
    const withTarget = (atMost: number) => ({ time: { atMost } });
    const deadList = ['dead', 'list', '--group'];
    return {
      contenders: [
        { name: `start, ${routes} routes`, targets: withTarget(3), run: () => timeToStart(many) },
        {
          name: `status, ${routes} routes`,
          targets: withTarget(1),
          run: () => withDaemon(many, () => timed(() => command(many.folder, 'status'))),
        },
        {
          name: `reload, ${routes} routes, one of them changed`,
          targets: withTarget(3),
          run: () =>
            withDaemon(many, () => {
              const file = join(many.folder, 'config.yaml');
              writeFileSync(file, readFileSync(file, 'utf8').replace('inbound_fax', 'outbound_fax'));
              return timed(() => command(many.folder, 'reload'));
            }),
        },
        {
          name: `list by group, ${dead} dead letters`,
          targets: withTarget(0.5),
          run: () => timed(() => command(letters.folder, ...deadList)),
        },
        {
          name: `retry of all, ${dead} dead letters`,
          targets: withTarget(30),
          async run() {
            const copy = join(folder, 'retried');
            cpSync(letters.folder, copy, { recursive: true });
            const config = join(copy, 'config.yaml');
            writeFileSync(config, readFileSync(config, 'utf8').replace(letters.folder, copy));
            const figures = await timed(() => command(copy, 'dead', 'retry', '--all'));
            rmSync(copy, { recursive: true });
            return figures;
          },
        },
        { name: `start, journal of ${rows} rows`, targets: withTarget(1), run: () => timeToStart(large) },
        {
          name: `longest append while ${old} old rows are removed`,
          targets: withTarget(0.05),
          async run() {
            const copy = join(folder, 'tidied');
            cpSync(tidied, copy, { recursive: true });
            const time = await longestAppend(copy);
            rmSync(copy, { recursive: true });
            return { time };
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

type Options = Parameters<typeof startDaemon>[0];

/** As a provider has them that gives each customer a webhook; some have a condition too. */
function manyRoutes(count: number): object {
  const routes = Array.from({ length: count }, (_, index) => {
    const condition = index % 4 === 0 ? { where: `data.mailbox != "${index}"` } : {};
    const sink = {
      type: 'webhook',
      url: `http://127.0.0.1:9/${index}`,
      auth: { bearer: { token: `\${env:BENCH_TOKEN:-token-${index}}` } },
    };
    const accounts = [index.toString(16).padStart(32, '0')];
    return [`customer-${index}`, { events: ['voicemail_*', 'inbound_fax'], accounts, ...condition, sink }];
  });
  return Object.fromEntries(routes);
}

/** Does the work once it consumes. */
async function withDaemon<T>(options: Options, work: () => Promise<T>): Promise<T> {
  const daemon = startDaemon(options);
  try {
    await daemon.says('"consuming"');
    return await work();
  } finally {
    await daemon.stop();
  }
}

/** Until it consumes. */
async function timeToStart(options: Options): Promise<Figures> {
  const startedAt = performance.now();
  return withDaemon(options, async () => secondsSince(startedAt));
}

async function command(folder: string, ...args: string[]): Promise<void> {
  const running = start(ownBuild, [...args, '--config', join(folder, 'config.yaml')], 'ignore');
  const [code] = await once(running, 'exit');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
}

async function timed(work: () => Promise<unknown>): Promise<Figures> {
  const startedAt = performance.now();
  await work();
  return secondsSince(startedAt);
}

function secondsSince(startedAt: number): Figures {
  return { time: (performance.now() - startedAt) / 1_000 };
}

/** All of the journal is dead, of a thousand accounts, after three tries each. */
async function makeDeadLetters(options: Options, count: number): Promise<void> {
  await timeToStart(options);
  await fillLargeJournal(journalIn(options.folder), count, Date.now(), '{}');
  letDie(journalIn(options.folder), 'log', count, count);
}
