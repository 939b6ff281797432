import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { rounds } from '../support/runs.ts';
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
  test('at full speed, again and again, leaves each line once in a file, however it is rotated, and each row once', async () => {
    const relay = started((path) => ({
      routes: {
        file: { sink: { type: 'file', path: path('out/file.ndjson'), maxSize: '256KiB', keep: 0, compress: 'gzip' } },
        database: { sink: { type: 'database', url: `sqlite://${path('database.sqlite')}` } },
      },
    }));
    await relay.daemon.says('consuming');
    const published: string[] = [];
    const publishing = new AbortController();
    const publisher = (async () => {
      while (!publishing.signal.aborted) {
        // No more than the queue holds.
        if (published.length - relay.journalled() < 5_000) published.push(...(await publishAsKazoo(broker.url, 500)));
        else await delay(10);
      }
    })();
    // What is rotated just now may be gone again.
    const sizeOf = (name: string) => statSync(relay.path(`out/${name}`), { throwIfNoEntry: false })?.size ?? 0;
    const written = () => readdirSync(relay.path('out')).reduce((sum, name) => sum + sizeOf(name), 0);
    for (let kill = 0; kill < Math.min(30, rounds(6)); kill += 1) {
      // At random, so that it hits every stage: the test is right wherever it does. Mostly while what has come in meanwhile
      // goes out, and sometimes at the start.
      const before = written();
      if (kill % 6 > 0) await until(() => written() !== before, { what: 'it to write again', interval: 2 });
      await delay(Math.random() * (kill % 6 > 0 ? 150 : 600));
      await relay.daemon.end('SIGKILL');
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
    await until(() => relay.journalled() === published.length && isSettled(relay), {
      what: 'all of it',
      interval: 100,
    });
    expect(await relay.daemon.end('SIGTERM')).toBe(0);
    expect(rotatedLines(relay).toSorted()).toEqual(published.toSorted());
    expect(inDatabase().toSorted()).toEqual(published.toSorted());
  });

  test('while a webhook drains what is there repeats what was in flight and what 20 ms deliver, and nothing saved', async () => {
    const concurrency = 8;
    const kills = Math.min(30, rounds(3));
    const count = 600 * kills;
    const arrived: { id: string; at: number }[] = [];
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    let slow: string | undefined;
    const receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      await opened;
      const { id } = JSON.parse(Buffer.concat(chunks).toString());
      // One of each run gets no answer, and holds back nothing that is behind it.
      slow ??= id;
      if (id === slow) return;
      arrived.push({ id, at: performance.now() });
      response.end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const address = receiver.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
    try {
      const relay = started(() => ({ routes: { hook: { sink: { type: 'webhook', url, concurrency } } } }));
      await relay.daemon.says('consuming');
      await publishInParts(count);
      // No commit of intake's saves its progress.
      await until(() => relay.journalled() === count, { what: 'all in the journal' });
      open();
      const unsaved = new Set<string>();
      for (let kill = 0; kill < kills; kill += 1) {
        const first = arrived.length;
        await until(() => arrived.length > first + 500, { what: 'some hundred', interval: 1 });
        await relay.daemon.end('SIGKILL');
        // What it had sent by then is still read.
        await until(() => connections(receiver).then((open) => open === 0), { what: 'its connections to end' });
        const saved = new Set(relay.rows(savedIds).map(({ id }) => id));
        const run = arrived.slice(first);
        const again = run.filter(({ id }) => !saved.has(id));
        for (const { id } of again) unsaved.add(id);
        const last = run.at(-1)?.at ?? 0;
        const in20ms = run.filter(({ at }) => last - at <= 20).length;
        // Answers that are there together are taken together, at each step from the first of them to the commit. Twice what
        // 20 ms have brought, because daemon and receiver may not have had the processor at the same time.
        expect(again.length).toBeLessThanOrEqual(2 * in20ms + 4 * concurrency);
        slow = undefined;
        relay.start();
      }
      slow = '';
      await until(() => isSettled(relay), { what: 'all to be settled' });
      const times = Map.groupBy(arrived, ({ id }) => id);
      expect(times.size).toBe(count);
      for (const [id, { length }] of times) expect([id, length > 1 && !unsaved.has(id)]).toEqual([id, false]);
    } finally {
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    }
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

function connections(server: Server): Promise<number> {
  return promisify(server.getConnections.bind(server))();
}

/** What the only route has settled, as the journal has it. */
const savedIds = `SELECT id FROM notifications, routes
  WHERE (seq <= cursor OR seq IN (SELECT value FROM settled_ahead, json_each(seqs)))
    AND seq NOT IN (SELECT seq FROM deliveries)`;

function isSettled(relay: TestRelay): boolean {
  const [route] = relay.rows('SELECT min(cursor) = (SELECT max(seq) FROM notifications) AS isSettled FROM routes');
  return route?.isSettled === 1;
}

/** The `msg_id`s in the file `out/file.ndjson` and in those that were rotated from it, each in one of its forms. */
function rotatedLines(relay: TestRelay): string[] {
  const names = readdirSync(relay.path('out')).filter((name) => !name.endsWith('.part'));
  const forms = names.filter((name) => !names.includes(name.replace(/\.gz$/, '')) || name.endsWith('.ndjson'));
  return forms.flatMap((name) => {
    const content = readFileSync(relay.path(`out/${name}`));
    const text = (name.endsWith('.gz') ? gunzipSync(content) : content).toString();
    return [...text.matchAll(/"msg_id":"([^"]+)"/g)].map(([, id = '']) => id);
  });
}

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
