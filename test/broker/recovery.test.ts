import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Journal } from '../../src/journal/journal.ts';
import { onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { countedWatch, queue, startLink, type TestLink } from '../support/link.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import {
  blocksPublishers,
  messagesOn,
  queuesOn,
  setMemoryLimit,
  startBroker,
  type TestBroker,
} from '../support/rabbitmq.ts';
import { until } from '../support/until.ts';

let broker: TestBroker;
let link: TestLink | undefined;
let proxy: TestProxy | undefined;

beforeAll(async () => {
  broker = await startBroker();
});

afterEach(async () => {
  await link?.close();
  await proxy?.close();
  link = undefined;
  proxy = undefined;
  jest.restoreAllMocks();
  await onChannel(broker.url, (channel) => channel.deleteQueue(queue.name));
});

afterAll(() => broker.close());

test('a link holds no more than 8 MiB of what it has not committed, however much waits on the broker', async () => {
  const [size, count] = [256 * 1024, 160];
  const { promise: published, resolve: begin } = Promise.withResolvers<void>();
  let held = 0;
  const own = await startLink(broker.url, {}, (journal) => {
    const append = journal.append.bind(journal);
    journal.append = async (batch) => {
      await published;
      // It gives the link time to read all that it would.
      for (let turn = 0; turn < 100; turn += 1) {
        await nextTurn();
        held = Math.max(held, own.intake.received - own.intake.committed);
      }
      return append(batch);
    };
    return journal;
  });
  link = own;
  await until(() => own.activity.state === 'consuming', { what: 'the link' });
  await publishAsKazoo(broker.url, count, { Filler: 'x'.repeat(size) });
  begin();
  await until(() => own.intake.committed === count, { what: 'all to be committed' });
  expect(held * size).toBeGreaterThan(4 * 1024 * 1024);
  expect(held * size).toBeLessThanOrEqual(8 * 1024 * 1024 + size);
  expect(own.sessions).toBe(1);
});

describe('a link survives', () => {
  test('a broker that is absent at the start', async () => {
    await broker.stop();
    link = await startLink(broker.url);
    await until(() => link?.logged.some((line) => line.includes('broker not available')), { what: 'the report' });
    await broker.start();
    await expectFlow(link);
    expect(link.logged.filter((line) => line.includes('ECONNREFUSED'))).toHaveLength(1);
  });

  test('a restart of the broker', async () => {
    link = await startLink(broker.url);
    await expectFlow(link);
    await broker.stop();
    await broker.start();
    await expectFlow(link, 2);
  });

  test('a broker that is killed and comes back with its data folder wiped', async () => {
    link = await startLink(broker.url);
    await expectFlow(link);
    await broker.kill();
    broker.wipe();
    await broker.start();
    await expectFlow(link, 2);
  });

  test('a connection that is cut', async () => {
    proxy = await startProxy(broker.port);
    link = await startLink(through(proxy));
    await expectFlow(link);
    proxy.cut();
    await expectFlow(link, 2);
  });

  test('a connection that is cut in the middle of its set-up, at any point', async () => {
    proxy = await startProxy(broker.port);
    link = await startLink(through(proxy));
    const { sessions } = link;
    for (let delay = 0; delay < 40; delay += 1) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      proxy.cut();
    }
    await expectFlow(link, sessions + 1);
  });

  test('a link that is half open: no end, no reset, packets just vanish', async () => {
    proxy = await startProxy(broker.port);
    link = await startLink(through(proxy), { heartbeat: 1_000, watch: { interval: 60_000, stalledAfter: 60_000 } });
    await expectFlow(link);
    proxy.freeze();
    await until(() => link?.logged.some((line) => line.includes('Heartbeat timeout')), {
      what: 'the missed heartbeats',
    });
    proxy.thaw();
    await expectFlow(link, 2);
  });

  test('a link that is half open from the start', async () => {
    proxy = await startProxy(broker.port);
    proxy.freeze();
    link = await startLink(through(proxy), { connectTimeout: 1_000 });
    await until(() => link?.logged.some((line) => line.includes('ETIMEDOUT')), { what: 'the connect time-out' });
    proxy.thaw();
    await expectFlow(link);
  });

  test('its queue deleted under it', async () => {
    link = await startLink(broker.url);
    await expectFlow(link);
    await onChannel(broker.url, (channel) => channel.deleteQueue(queue.name));
    await expectFlow(link, 2);
  });

  test('its queue unbound, and the exchange deleted and declared again by KAZOO', async () => {
    link = await startLink(broker.url, { watch: { interval: 200, stalledAfter: 5_000 } });
    await expectFlow(link);
    await onChannel(broker.url, (channel) => channel.unbindQueue(queue.name, 'notifications', 'notifications.#'));
    await expectFlowAgain(link);
    await onChannel(broker.url, (channel) => channel.deleteExchange('notifications'));
    await expectFlowAgain(link);
  });

  test('a broker out of memory, which blocks publishers', async () => {
    link = await startLink(broker.url);
    await expectFlow(link);
    await setMemoryLimit(broker, '{absolute, 1000}');
    const { promise: published, resolve } = Promise.withResolvers<string[]>();
    publishAsKazoo(broker.url, 5).then(resolve, () => resolve([]));
    await until(() => blocksPublishers(broker), { what: 'the blocked publisher' });
    await setMemoryLimit(broker, '0.4');
    const ids = await published;
    expect(ids).toHaveLength(5);
    await expectJournalled(link, ids);
    expect(link.sessions).toBe(1);
  });

  test('the acknowledgement time-out passing while the journal takes nothing', async () => {
    const failing = failingJournal();
    // The broker looks for late acknowledgements once every tick; channels that are open already keep the old one.
    await setTimeouts({ tick: 500, consumer: 2_000 });
    link = await startLink(broker.url, {}, failing.wrap);
    await until(() => link?.sessions === 1, { what: 'the consumer' });
    failing.broken = true;
    const ids = await publishAsKazoo(broker.url, 1_500);
    await until(() => link?.logged.some((line) => line.includes('PRECONDITION_FAILED') && line.includes('timeout')), {
      what: 'the closed channel',
      timeout: 40_000,
    });
    expect(await link.journalled()).toEqual([]);
    failing.broken = false;
    await expectJournalled(link, ids);
    await expectEmptyQueue();
    await expectFlow(link, 2);
    expect(link.logged.filter((line) => line.includes('journal not writable'))).toHaveLength(1);
    await setTimeouts({ tick: 60_000, consumer: 1_800_000 });
  });

  test('a consumer that the broker has forgotten', async () => {
    link = await startLink(broker.url, { watch: { interval: 200, stalledAfter: 60_000 } });
    await expectFlow(link);
    await forgetConsumer();
    await expectFlow(link, 2);
    expect(link.logged.join('')).toContain('knows of no consumer');
  });

  test('a broker that delivers no more though everything looks well', async () => {
    proxy = await startProxy(broker.port);
    link = await startLink(through(proxy), { prefetch: 2, watch: { interval: 200, stalledAfter: 1_000 } });
    await expectFlow(link);
    proxy.dropDeliveries();
    const ids = await publishAsKazoo(broker.url, 5);
    await expectJournalled(link, ids);
    expect(link.logged.join('')).toMatch(/3 messages wait in our queue.*none has moved/);
    expect(link.sessions).toBe(2);
  });
});

describe('a link that is stopped', () => {
  test('ends at the deadline though its broker answers nothing any more', async () => {
    proxy = await startProxy(broker.port);
    link = await startLink(through(proxy), { heartbeat: 9_000, watch: { interval: 20, stalledAfter: 60_000 } });
    await expectFlow(link);
    proxy.freeze();
    await link.stop(AbortSignal.timeout(500));
    // That is how it would end without a deadline, two heartbeats later.
    expect(link.logged.join('')).not.toContain('Heartbeat timeout');
  });
});

describe('the stall watch', () => {
  test('leaves a quiet link alone', async () => {
    const watch = countedWatch(2_000);
    link = await startLink(broker.url, { watch });
    await expectFlow(link);
    await watch.looksLater(5_000);
    await expectFlow(link);
    expect(link.sessions).toBe(1);
  });

  test('leaves a link alone whose journal takes nothing', async () => {
    const failing = failingJournal();
    const watch = countedWatch(2_000);
    link = await startLink(broker.url, { watch }, failing.wrap);
    await expectFlow(link);
    failing.broken = true;
    const ids = await publishAsKazoo(broker.url, 2_000);
    await until(() => link?.logged.some((line) => line.includes('journal not writable')), { what: 'the refusal' });
    await watch.looksLater(5_000);
    failing.broken = false;
    await expectJournalled(link, ids);
    expect(link.sessions).toBe(1);
  });
});

/** What is published now arrives, on one consumer, and nothing is left on the queue. */
async function expectFlow(flowing: TestLink, sessions = 1): Promise<void> {
  await until(() => flowing.sessions >= sessions, { what: `session ${sessions}` });
  await expectJournalled(flowing, await publishAsKazoo(broker.url, 20));
  await expectEmptyQueue();
  expect(await consumers()).toBe(1);
}

/** The same where what is published before the link has mended itself can't arrive. */
async function expectFlowAgain(flowing: TestLink): Promise<void> {
  const before = (await flowing.journalled()).length;
  await until(
    async () => {
      await publishAsKazoo(broker.url, 1);
      return (await flowing.journalled()).length > before;
    },
    { what: 'a notification that arrives', interval: 100 },
  );
  await expectFlow(flowing);
}

async function expectJournalled(flowing: TestLink, ids: readonly string[]): Promise<void> {
  const missing = async () => {
    const journalled = new Set(await flowing.journalled());
    return ids.filter((id) => !journalled.has(id));
  };
  await until(async () => (await missing()).length === 0, { what: `${ids.length} notifications in the journal` });
  const all = await flowing.journalled();
  expect(new Set(all).size).toBe(all.length);
}

async function expectEmptyQueue(): Promise<void> {
  await until(async () => (await messagesOn(broker)) === 0, { what: 'an empty queue' });
}

async function consumers(): Promise<number> {
  return (await queuesOn(broker)).find(({ name }) => name === queue.name)?.consumers ?? 0;
}

/** Milliseconds between the broker's looks for late acknowledgements, and after which one is late. */
async function setTimeouts({ tick, consumer }: { tick: number; consumer: number }): Promise<void> {
  const settings = `[{channel_tick_interval, ${tick}}, {consumer_timeout, ${consumer}}]`;
  await broker.ask(`[application:set_env(rabbit, Key, Value) || {Key, Value} <- ${settings}]`);
}

/** Takes the consumer off its queue inside the broker, without a word to the client. */
async function forgetConsumer(): Promise<void> {
  await broker.ask(
    `{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"${queue.name}">>)),
     [begin Channel = element(1, C), Tag = element(2, C),
       gen_server2:call(amqqueue:get_pid(Q), {basic_cancel, Channel, Tag, undefined, <<"test">>}) end
      || C <- rabbit_amqqueue:consumers(Q)], ok`,
  );
}

function through({ port }: TestProxy): string {
  return `amqp://guest:guest@127.0.0.1:${port}`;
}

/** A journal that takes nothing while it is broken. */
function failingJournal() {
  const state = {
    broken: false,
    wrap: (journal: Journal): Journal => {
      const append = journal.append.bind(journal);
      journal.append = async (batch) => {
        if (state.broken) throw new Error('disk on fire');
        return append(batch);
      };
      return journal;
    },
  };
  return state;
}
