import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { connectPublisher } from '../../src/cli/support/publisher.ts';
import { startPostgres, type TestPostgres } from '../../test/support/postgresql.ts';
import { startBroker, type TestBroker } from '../../test/support/rabbitmq.ts';
import { oneRoute, takeAll } from '../intake/intake.ts';
import { startClock } from '../latency/clock.ts';
import { messages } from '../notifications.ts';
import { stopwatch } from '../process.ts';
import { fill } from '../queue.ts';
import { type Contender, type Figures, type Part, throughput, throughputOf } from '../rounds.ts';
import { appendParts } from './append-parts.ts';
import { startSharing } from './daemons.ts';
import { fillShared } from './fill.ts';

const usual = 60_000;
const perSecond = 200;
const usualLatency = 2_000;
const large = 5_000_000;

/** Each daemon delivers what it took itself: a log is a place on one machine. */
const everyRoute = { log: { start: 'earliest', every: true, sink: { type: 'log' } } };

interface Stage {
  readonly broker: TestBroker;
  readonly postgres: TestPostgres;
  readonly folder: string;
  readonly items: number;
  /** What else is closed at the end. */
  readonly more: AsyncDisposableStack;
}

function partOf(
  name: string,
  contendersOf: (stage: Stage) => Contender[] | Promise<Contender[]>,
  metrics: Part['metrics'] = throughput,
): Part {
  return {
    name: `cluster-${name}`,
    metrics,
    async open(scale) {
      await using things = new AsyncDisposableStack();
      const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
      things.defer(() => rmSync(folder, { recursive: true }));
      const [broker, postgres] = [await startBroker(), await startPostgres()];
      things.defer(() => broker.close());
      things.defer(() => postgres.close());
      const items = Math.round(usual * scale);
      const contenders = await contendersOf({ broker, postgres, folder, items, more: things });
      const owned = things.move();
      return { contenders, close: () => owned.disposeAsync() };
    },
  };
}

/** All that waits in the queue, from the moment when the first daemon consumes to the one when it is settled. */
async function takeAllShared(
  { broker, postgres, folder, items }: Stage,
  names: readonly string[],
  schema?: string,
): Promise<Figures> {
  await fill(broker.url, messages(items));
  const options = { postgres, folder, urlOf: () => broker.url, names, routes: everyRoute };
  const sharing = await startSharing({ ...options, ...(schema !== undefined && { schema }) });
  try {
    const stops = sharing.daemons.map((daemon) => stopwatch(daemon.process));
    await sharing.settled(items);
    const measured = stops.map((stop) => stop());
    const cpuSeconds = measured.reduce((sum, one) => sum + one.cpuSeconds, 0);
    return throughputOf({ seconds: measured[0]?.seconds ?? Number.NaN, cpuSeconds }, items);
  } finally {
    await sharing.close();
  }
}

const sharedCost = partOf('daemon', (stage) => [
  {
    name: 'daemon with SQLite',
    async run() {
      await fill(stage.broker.url, messages(stage.items));
      return throughputOf(await takeAll(stage.broker.url, stage.folder, oneRoute, stage.items), stage.items);
    },
  },
  { name: 'daemon with PostgreSQL', targets: { cpu: { atMost: 1.6 } }, run: () => takeAllShared(stage, ['a']) },
]);

const twoDaemons = partOf('two', (stage) => [
  { name: 'one daemon', run: () => takeAllShared(stage, ['a']) },
  { name: 'two daemons', targets: { rate: { atLeast: 0.9 } }, run: () => takeAllShared(stage, ['a', 'b']) },
]);

/**
 * From before the first round to after the last one; the journals are the same all the time, so that what is dead in them grows.
 * Whether that costs more and more is told by the pages that the server looks at, which other load doesn't change.
 */
const heldSnapshot = partOf(
  'snapshot',
  async (stage) => {
    const other = await startPostgres();
    stage.more.defer(() => other.close());
    const client = new pg.Client(other.url);
    client.on('error', () => undefined);
    await client.connect();
    stage.more.defer(() => client.end());
    const runAt = async (postgres: TestPostgres) => {
      const schema = await fillShared(postgres.url, 1);
      let atStart: number | undefined;
      return async () => {
        const before = await pagesRead(postgres);
        const figures = await takeAllShared({ ...stage, postgres }, ['a'], schema);
        const pages = ((await pagesRead(postgres)) - before) / stage.items;
        atStart ??= pages;
        return { ...figures, pages, growth: pages / atStart };
      };
    };
    const [run, runHeld] = [await runAt(stage.postgres), await runAt(other)];
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
    return [
      { name: 'no snapshot held', run },
      {
        name: 'a snapshot held for the whole run',
        targets: { rate: { atLeast: 0.95 }, growth: { atMost: 1.05 } },
        run: runHeld,
      },
    ];
  },
  {
    ...throughput,
    pages: { unit: 'pages each', digits: 1, against: 'ratio' },
    growth: { unit: '× the pages at the start', digits: 2, against: 'ratio' },
  },
);

/** So far, by connections that have ended: those tell all that they have looked at. */
async function pagesRead(postgres: TestPostgres): Promise<number> {
  const [row] = await postgres.query(
    'SELECT blks_hit + blks_read AS pages FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(row?.pages);
}

const size = partOf('size', async (stage) => {
  const rows = Math.round((large * stage.items) / usual);
  const [few, many] = [await fillShared(stage.postgres.url, 10_000), await fillShared(stage.postgres.url, rows)];
  return [
    { name: 'journal of 10000 rows', run: () => takeAllShared(stage, ['a'], few) },
    {
      name: `journal of ${rows} rows`,
      targets: { rate: { atLeast: 0.9 } },
      run: () => takeAllShared(stage, ['a'], many),
    },
  ];
});

/** From the publishing to the arrival, where one daemon takes all and the route is its own, or another one's. */
const latency: Part = {
  name: 'cluster-latency',
  metrics: {
    p50: { unit: 'ms p50', digits: 1, against: 'difference' },
    p99: { unit: 'ms p99', digits: 1, against: 'difference' },
  },
  async open(scale) {
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const [broker, other, postgres] = [await startBroker(), await startBroker(), await startPostgres()];
    const clock = await startClock();
    const count = Math.round(usualLatency * scale);
    const run = async (host: string): Promise<Figures> => {
      await fill(broker.url, []);
      const routes = { hook: { start: 'earliest', host, sink: { type: 'webhook', url: clock.url } } };
      // The other one takes nothing: its broker has nothing.
      const urlOf = (name: string) => (name === 'a' ? broker : other).url;
      const sharing = await startSharing({ postgres, folder, urlOf, names: ['a', 'b'], routes });
      try {
        const publisher = await connectPublisher(broker.url);
        const latencies = await clock.time(messages(count), perSecond, (message) => publisher.send(message));
        await publisher.close();
        const sorted = latencies.slice(Math.ceil(count / 10)).sort((one, other) => one - other);
        const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
        return { p50: at(0.5), p99: at(0.99) };
      } finally {
        await sharing.close();
      }
    };
    return {
      contenders: [
        { name: 'the route is with the daemon that takes all', run: () => run('a') },
        { name: 'the route is with another daemon', targets: { p50: { atMost: 10 } }, run: () => run('b') },
      ],
      async close() {
        await clock.close();
        await broker.close();
        await other.close();
        await postgres.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/** `npm run bench -- cluster`: a shared journal beside what it is measured against. */
export const clusterParts: readonly Part[] = [...appendParts, sharedCost, twoDaemons, heldSnapshot, latency, size];
