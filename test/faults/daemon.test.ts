import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

let broker: SharedBroker;
const relays: TestRelay[] = [];

beforeAll(async () => {
  broker = await shareBroker();
});

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close();
  await onChannel(broker.url, (channel) => channel.deleteQueue('kazoo-relay'));
});

afterAll(() => broker.close());

describe('a daemon that is killed', () => {
  test('20 times in the middle of deliveries leaves none missing, in a file nor in a database', async () => {
    const relay = started((path) => ({
      routes: {
        file: { sink: { type: 'file', path: path('file.ndjson') } },
        database: { sink: { type: 'database', url: `sqlite://${path('database.sqlite')}` } },
      },
    }));
    await relay.daemon.says('consuming');
    const published: string[] = [];
    const publishing = new AbortController();
    const publisher = (async () => {
      while (!publishing.signal.aborted) {
        published.push(...(await publishAsKazoo(broker.url, 50)));
        await delay(50);
      }
    })();
    const journalledAt: number[] = [];
    for (let kill = 0; kill < 20; kill += 1) {
      // At random, so that it hits every stage, the start too: the test is right wherever it does.
      await delay(Math.random() * 600);
      // But for some, which let it get on, however slow the machine is.
      const before = journalledAt.at(-1) ?? 0;
      if (kill % 3 === 0) await until(() => relay.journalled() > before, { what: 'the daemon to get on' });
      await relay.daemon.end('SIGKILL');
      journalledAt.push(relay.journalled());
      relay.start();
    }
    publishing.abort();
    await publisher;
    const inDatabase = () => {
      const database = new DatabaseSync(relay.path('database.sqlite'), { readOnly: true, timeout: 5_000 });
      const rows = database.prepare(`SELECT data ->> '$.msg_id' AS id FROM notifications`).all();
      database.close();
      return rows.map(({ id }) => String(id));
    };
    await until(() => new Set(relay.lines('file.ndjson')).size === published.length, { what: 'all in the file' });
    await until(() => inDatabase().length === published.length, { what: 'all in the database' });
    expect(new Set(relay.lines('file.ndjson'))).toEqual(new Set(published));
    expect(inDatabase().toSorted()).toEqual(published.toSorted());
    expect(relay.journalled()).toBe(published.length);
    // It got on between the kills.
    expect(new Set(journalledAt).size).toBeGreaterThan(5);
  });

  test('leaves its share to the other daemon on the queue, but for what its own journal has', async () => {
    const [one, other] = [1, 2].map(() =>
      started((path) => ({ routes: { file: { sink: { type: 'file', path: path('file.ndjson') } } } })),
    ) as [TestRelay, TestRelay]; // one for each
    // The first one can deliver nothing yet, so that its journal holds something when it dies.
    mkdirSync(one.path('file.ndjson'));
    await Promise.all([one.daemon.says('consuming'), other.daemon.says('consuming')]);
    const published = await publishInParts(2_000);
    const more = publishInParts(2_000);
    await delay(Math.random() * 500);
    await one.daemon.end('SIGKILL');
    published.push(...(await more));
    const held = one.journalled();
    expect(held).toBeGreaterThan(0);
    const delivered = () => new Set([...one.lines('file.ndjson'), ...other.lines('file.ndjson')]);
    await until(() => other.lines('file.ndjson').length + held >= published.length, { what: 'the other one' });
    expect(one.lines('file.ndjson')).toEqual([]);
    rmSync(one.path('file.ndjson'), { recursive: true });
    one.start();
    await until(() => delivered().size === published.length, { what: 'what the first one had' });
    expect(delivered()).toEqual(new Set(published));
    expect(other.lines('file.ndjson').length).toBeGreaterThan(0);
    expect(new Set(one.lines('file.ndjson')).size).toBe(held);
  });
});

describe('a stop, while a receiver answers nothing', () => {
  let receiver: Server;
  let url: string;
  let asked = 0;

  beforeEach(async () => {
    asked = 0;
    receiver = createServer(() => {
      asked += 1;
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const address = receiver.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  });

  afterEach(async () => {
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  });

  test('ends within shutdown.timeout, with 0, and leaves it for the next start', async () => {
    const relay = hanging('500ms');
    await publishUntilAsked(relay);
    expect(await relay.daemon.end('SIGTERM')).toBe(0);
    const before = asked;
    relay.start();
    await until(() => asked > before, { what: 'the next try' });
  });

  test.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
  ] as const)('ends at once with %s and then %s', async (first, second) => {
    const relay = hanging('10m');
    await publishUntilAsked(relay);
    const { process } = relay.daemon;
    process.kill(first);
    await relay.daemon.says('"stopping"');
    expect(process.exitCode).toBeNull();
    expect(await relay.daemon.end(second)).toBe(1);
    expect(relay.daemon.stderr).not.toContain('"stopped"');
  });

  function hanging(timeout: string): TestRelay {
    return started(() => ({ shutdown: { timeout }, routes: { hook: { sink: { type: 'webhook', url } } } }));
  }

  async function publishUntilAsked(relay: TestRelay): Promise<void> {
    await relay.daemon.says('consuming');
    await publishAsKazoo(broker.url, 3);
    await until(() => asked > 0, { what: 'the first request' });
  }
});

function started(options: (path: (name: string) => string) => object): TestRelay {
  const relay = testRelay(broker.url, options);
  relays.push(relay);
  relay.start();
  return relay;
}

async function publishInParts(count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(...(await publishAsKazoo(broker.url, 100)));
  return ids;
}
