import { chownSync, mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { messages } from '../../../src/common/messages.ts';
import { publishAsKazoo } from '../../support/kazoo.ts';
import { startPostgres, type TestPostgres } from '../../support/postgresql.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { messagesOn } from '../../support/rabbitmq.ts';
import { type RelayCluster, startCluster, unsaved } from '../../support/relay-cluster.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

let server: TestPostgres | undefined;
let cluster: RelayCluster | undefined;
let proxy: TestProxy | undefined;

afterEach(async () => {
  await cluster?.close();
  await proxy?.close();
  await server?.close();
  cluster = undefined;
  proxy = undefined;
  server = undefined;
});

describe('a database', () => {
  test('that is killed, again and again, in the middle of appends and settlements: nothing is missing', async () => {
    const [database, tested] = await start();
    const load = tested.publishing();
    const kills = 4;
    for (let kill = 0; kill < kills; kill += 1) {
      await tested.moreArrive(200);
      // At random, so that it hits every stage of a call: the test is right wherever it does.
      await delay(Math.random() * 100);
      await database.kill();
      if (kill % 2 === 1) {
        await tested.publish(50);
        await until(() => tested.spooled(), { what: 'something in a spool' });
      }
      await database.start();
      await tested.mark();
    }
    await load.stop();
    await tested.allDone();
    expect(await tested.verify()).toBeLessThanOrEqual(kills * unsaved);
  });

  test('that is away when its daemons start, for the first time or after a power cut: they take what comes', async () => {
    const [database, tested] = await start({}, {}, []);
    for (const isFirst of [true, false]) {
      await database.kill();
      for (const name of ['a', 'b']) {
        if (isFirst) tested.add(name);
        else await tested.daemon(name).daemon.end('SIGKILL');
        await tested.daemon(name).start().says('consuming');
        await tested.daemon(name).daemon.says(messages.databaseAway);
      }
      await tested.publish(300);
      await until(() => tested.spooled(), { what: 'something in a spool' });
      await database.start();
      for (const name of ['a', 'b']) await tested.daemon(name).daemon.says(messages.databaseBack);
      await tested.publish(100);
      await tested.allDone();
      await tested.mark();
    }
    expect(await tested.verify()).toBe(0);
  });

  test('that ends all connections, again and again: nothing is missing, and nothing is spooled for long', async () => {
    const [database, tested] = await start();
    const load = tested.publishing();
    const storms = 30;
    for (let storm = 0; storm < storms; storm += 1) {
      await tested.moreArrive(20);
      const { length } = await database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kazoo-relay'",
      );
      expect(length).toBeGreaterThan(0);
      await tested.mark();
    }
    await load.stop();
    await tested.allDone();
    expect(await tested.verify()).toBeLessThanOrEqual(storms * unsaved);
  });

  test('with a transaction that is open all the time: no row that is read often is updated', async () => {
    const [database, tested] = await start();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('SELECT count(*) FROM pg_class');
    try {
      const load = tested.publishing();
      await tested.moreArrive(1_000);
      const holder = await tested.takenOver(null);
      await tested.daemon(holder).daemon.end('SIGKILL');
      await tested.mark();
      await tested.takenOver(holder);
      await tested.moreArrive(1_000);
      await load.stop();
      await tested.allDone();
      expect(await tested.verify()).toBeLessThanOrEqual(unsaved);
      const updates = async () =>
        Object.fromEntries(
          (
            await tested.rows(`SELECT relname, n_tup_upd FROM pg_stat_user_tables
              WHERE relname IN ('appends', 'beats', 'progress', 'log_0', 'routes') AND n_tup_upd > 0`)
          ).map(({ relname, n_tup_upd }) => [relname, Number(n_tup_upd)]),
        );
      // The statistics come a little later.
      await until(async () => (await updates()).routes, { what: 'the take-overs to be counted' });
      const { routes = 0, ...others } = await updates();
      expect(others).toEqual({});
      expect(routes).toBeLessThanOrEqual(4);
    } finally {
      await client.end();
    }
  });

  test('whose disk is full: intake goes on into the spool, and all of it is delivered when there is room', async () => {
    const disks: { grow(size: string): void; [Symbol.dispose](): void }[] = [];
    const prepare = (folder: string) => {
      mkdirSync(folder);
      const disk = smallDisk(folder, '64m');
      if (disk === undefined) return;
      chownSync(folder, 65_534, 65_534);
      disks.push(disk);
    };
    const [database, tested] = await start({}, { prepare, settings: 'max_wal_size = 32MB\nmin_wal_size = 32MB\n' });
    const [disk] = disks;
    // Only root may mount.
    if (disk === undefined) return;
    using _disk = disk;
    await database.query('CREATE TABLE ballast (data text)');
    const fill = `INSERT INTO ballast SELECT repeat(md5(n::text), 100) FROM generate_series(1, 1000) n`;
    await until(
      () =>
        database.query(fill).then(
          () => false,
          () => true,
        ),
      { what: 'a full disk', interval: 1 },
    );
    await until(() => tested.publish(100).then(() => tested.spooled()), {
      what: 'something in a spool',
      interval: 100,
    });
    disk.grow('512m');
    // Where the log was what found no room, the server has ended.
    await database.query('SELECT 1').catch(() => database.start());
    await tested.allDone();
    expect(await tested.verify()).toBeLessThanOrEqual(unsaved);
  });
});

describe('a link to the database', () => {
  test.each([
    ['is cut', async (link: TestProxy) => void (await link.stop()), (link: TestProxy) => link.start()],
    ['swallows all', async (link: TestProxy) => link.freeze(), async (link: TestProxy) => link.thaw()],
    [
      'swallows what is asked',
      async (link: TestProxy) => link.freeze('server'),
      async (link: TestProxy) => link.thaw(),
    ],
    [
      'swallows what is answered',
      async (link: TestProxy) => link.freeze('client'),
      async (link: TestProxy) => link.thaw(),
    ],
  ])('that %s: another daemon takes over, and what came meanwhile is drained', async (_what, breakLink, mend) => {
    server = await startPostgres();
    proxy = await startProxy(server.port, 'anything');
    const direct = server;
    const link = proxy;
    cluster = await startCluster({ database: () => direct });
    const tested = cluster;
    const url = direct.url.replace(`:${direct.port}/`, `:${link.port}/`);
    await tested.add('a', { url }).start().says('consuming');
    await tested.add('b').start().says('consuming');
    const load = tested.publishing();
    expect(await tested.takenOver(null)).toBe('a');
    await tested.moreArrive(200);
    await breakLink(link);
    expect(await tested.takenOver('a')).toBe('b');
    await tested.daemon('a').daemon.says(messages.databaseAway);
    await tested.mark();
    await tested.moreArrive(200);
    await mend(link);
    await tested.daemon('a').daemon.says(messages.spoolMoved);
    await load.stop();
    await tested.allDone();
    expect(await tested.verify()).toBeLessThanOrEqual(unsaved);
  });
});

test('a spool that is full stops the intake, and nothing else: the broker has the rest until there is room', async () => {
  const [database, tested] = await start({ spoolSize: '1MiB' }, {}, ['a']);
  await tested.publish(100);
  await tested.allDone();
  await database.stop();
  const sent = { Text: 'x'.repeat(20_000) };
  // A batch that has begun is kept whole.
  const isFull = async () => {
    tested.sent(await publishAsKazoo(tested.brokers[0].url, 25, sent));
    return tested.daemon('a').daemon.stderr.includes('has reached journal.spoolSize');
  };
  await until(isFull, { what: 'a full spool' });
  await until(async () => (await messagesOn(tested.brokers[0])) > 0, { what: 'the rest in the queue' });
  await database.start();
  await tested.allDone();
  expect(await tested.verify()).toBeLessThanOrEqual(unsaved);
  await until(async () => (await messagesOn(tested.brokers[0])) === 0, { what: 'an empty queue' });
});

/** With a server of its own. */
async function start(
  journal: object = {},
  data: Parameters<typeof startPostgres>[0] = {},
  names: readonly string[] = ['a', 'b'],
): Promise<[TestPostgres, RelayCluster]> {
  const started = await startPostgres(data);
  server = started;
  cluster = await startCluster({ database: () => started });
  for (const name of names) await cluster.add(name, journal).start().says('consuming');
  return [started, cluster];
}
