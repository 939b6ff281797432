import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { testBrokerConnection } from '../../src/broker/connection-test.ts';
import { messages } from '../../src/common/messages.ts';
import { contentHeader, frame, publishMethod } from '../support/frames.ts';
import { declareAsKazoo, onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { countedWatch, queue, startLink, type TestLink } from '../support/link.ts';
import { permit, queuesOn, type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { until } from '../support/until.ts';

let broker: SharedBroker;
const links: TestLink[] = [];

beforeAll(async () => {
  broker = await shareBroker();
});

afterEach(async () => {
  for (const link of links.splice(0)) await link.close();
  await onChannel(broker.url, async (channel) => {
    await channel.deleteQueue(queue.name);
    await channel.deleteExchange('notifications');
  });
});

afterAll(() => broker.close());

describe('a link that is refused', () => {
  test('says so where it may not use the virtual host', async () => {
    const link = await start(new URL('/nowhere', await limitedUser()).href);
    await until(() => link.logged.join('').includes('the broker refuses the virtual host'), {
      what: 'the reason',
    });
    expect(link.activity.reason).toContain('rabbitmqctl set_permissions');
  });

  test('says so where the user or the password is not right', async () => {
    const link = await start(broker.url.replace('guest:guest@', 'kazoo-relay:geheim@'));
    await until(() => link.logged.join('').includes('the broker refuses user kazoo-relay or its password'), {
      what: 'the reason',
    });
    expect(link.activity).toMatchObject({
      reason: expect.stringContaining("KAZOO's brokers forget users at a restart"),
      code: 403,
    });
    expect(link.logged.join('')).not.toContain('geheim');
  });

  test('says so where no AMQP is spoken', async () => {
    const web = createServer().listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo; // it listens on a port
    const link = await start(`amqp://guest:guest@127.0.0.1:${port}`);
    await until(() => link.logged.join('').includes('the server there does not speak AMQP'), { what: 'the reason' });
    web.close();
  });
});

describe('the exchange', () => {
  test('is declared as KAZOO declares it, so that KAZOO gets on its own bus after us', async () => {
    const link = await start(broker.url);
    await until(() => link.sessions === 1, { what: 'the consumer' });
    await declareAsKazoo(broker.url);
    const exchanges = await broker.ask(
      `rabbit_exchange:info_all(${broker.vhost}, [name, type, durable, auto_delete, internal, arguments])`,
    );
    expect(exchanges).toContainEqual({
      name: 'notifications',
      type: 'topic',
      durable: false,
      auto_delete: false,
      internal: false,
      arguments: [],
    });
  });

  test('is used as it is, with a warning, where it has other properties', async () => {
    await onChannel(broker.url, (channel) => channel.assertExchange('notifications', 'topic', { durable: true }));
    const link = await start(broker.url);
    await until(() => link.sessions === 1, { what: 'the consumer' });
    expect(link.logged.join('')).toContain(messages.foreignExchange);
    await onChannel(broker.url, async (channel) => {
      channel.publish('notifications', 'notifications.a.b', Buffer.from('{"msg_id":"one"}'));
      await until(async () => (await link.journalled()).includes('one'), { what: 'the notification' });
    });
  });

  test('is waited for where our user may not declare it', async () => {
    const url = await limitedUser();
    const link = await start(url);
    await until(() => link.logged.some((line) => line.includes(messages.awaitingExchange)), { what: 'the wait' });
    expect(link.sessions).toBe(0);
    expect(link.activity).toMatchObject({
      state: 'connecting',
      reason: 'waits for KAZOO to declare the exchange notifications: this user has no permission',
    });
    await declareAsKazoo(broker.url);
    await until(() => link.sessions === 1, { what: 'the consumer' });
    const ids = await publishAsKazoo(broker.url, 3);
    await until(async () => (await link.journalled()).length === 3, { what: 'the notifications' });
    expect(await link.journalled()).toEqual(ids);
  });

  test('is used at once by such a user where KAZOO has declared it, also when the watch looks', async () => {
    const url = await limitedUser();
    await declareAsKazoo(broker.url);
    const watch = countedWatch(2_000);
    const link = await start(url, { watch });
    await until(() => link.sessions === 1, { what: 'the consumer' });
    await watch.looks(10);
    expect(link.sessions).toBe(1);
  });
});

describe('the queue', () => {
  test('is bounded, drops its oldest, and expires', async () => {
    const link = await start(broker.url);
    await until(() => link.sessions === 1, { what: 'the consumer' });
    expect(await queuesOn(broker)).toMatchObject([
      {
        name: 'kazoo-relay',
        durable: true,
        arguments: {
          'x-expires': 86_400_000,
          'x-max-length': 100_000,
          'x-max-length-bytes': 134_217_728,
          'x-overflow': 'drop-head',
        },
      },
    ]);
    const bindings = await broker.ask(
      `rabbit_binding:info_all(${broker.vhost}, [source_name, destination_name, routing_key])`,
    );
    expect(bindings).toContainEqual({
      source_name: 'notifications',
      destination_name: 'kazoo-relay',
      routing_key: 'notifications.#',
    });
  });

  test('can be a quorum queue, whose messages never vanish, however often they come back', async () => {
    const link = await start(broker.url, { queue: { ...queue, type: 'quorum' } });
    await until(() => link.sessions === 1, { what: 'the consumer' });
    const ids = await publishAsKazoo(broker.url, 5);
    await until(async () => (await link.journalled()).length === 5, { what: 'the notifications' });
    await link.close();
    links.splice(0);
    const more = await publishAsKazoo(broker.url, 1);
    for (let round = 0; round < 25; round += 1) {
      await onChannel(broker.url, async (channel) => {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        await channel.consume(queue.name, resolve);
        await promise;
      });
    }
    const again = await start(broker.url, { queue: { ...queue, type: 'quorum' } });
    await until(async () => (await again.journalled()).length === 1, {
      what: 'the notification that came back 25 times',
    });
    expect(await again.journalled()).toEqual(more);
    expect(ids).toHaveLength(5);
  });

  test('with other arguments stops only the intake from its own broker, with an error that says what to do', async () => {
    await onChannel(broker.url, (channel) => channel.assertQueue(queue.name, { durable: false }));
    const link = await start(broker.url);
    const other = await start(broker.url, { queue: { ...queue, name: 'kazoo-relay-2' } });
    await until(() => other.sessions === 1, { what: 'the other consumer' });
    await until(() => link.logged.some((line) => line.includes('exists with other arguments')), { what: 'the error' });
    expect(link.logged.join('')).toMatch(/delete_queue.*set queue\.\* to its arguments, or set another queue\.name/);
    expect(link.sessions).toBe(0);
    await onChannel(broker.url, (channel) => channel.deleteQueue('kazoo-relay-2'));
  });
});

describe('another consumer on our queue', () => {
  test('is told, in log, status and check, until it is gone', async () => {
    const watch = countedWatch(5_000);
    const link = await start(broker.url, { watch });
    await until(() => link.sessions === 1, { what: 'the consumer' });
    const told = (text: string) => link.logged.filter((line) => line.includes(text)).length;
    const test = () =>
      testBrokerConnection({ zone: 'west', url: broker.url }, { heartbeat: 5_000, connectTimeout: 5_000, queue });
    await watch.looks(3);
    expect(await test()).toContain('a daemon consumes');
    await onChannel(broker.url, async (channel) => {
      await channel.consume(queue.name, () => undefined);
      await until(() => told(messages.otherConsumers) === 1, { what: 'the warning' });
      expect(link.activity).toMatchObject({ state: 'consuming', reason: expect.stringContaining('2 consumers share') });
      expect(await test()).toContain('2 consumers, and queue.consumers is 1');
      await watch.looks(4);
    });
    await until(() => told(messages.noOtherConsumers) === 1, { what: 'the end of it' });
    expect(link.activity.reason).toBeUndefined();
    expect(told(messages.otherConsumers)).toBe(1);
  });

  test('is not told for as long as it may be what is left of our own lost connection', async () => {
    const watch = countedWatch(60_000);
    const link = await start(broker.url, { watch });
    await until(() => link.sessions === 1, { what: 'the consumer' });
    await onChannel(broker.url, (channel) => channel.deleteQueue(queue.name));
    await until(() => link.sessions === 2, { what: 'the next session' });
    await onChannel(broker.url, async (channel) => {
      await channel.consume(queue.name, () => undefined);
      await watch.looks(4);
      expect(link.logged.join()).not.toContain(messages.otherConsumers);
      await watch.looksLater(15_000);
      await until(() => link.logged.join().includes(messages.otherConsumers), { what: 'the warning' });
    });
    jest.restoreAllMocks();
  });

  test('is no foreign one where so many are meant', async () => {
    const watch = countedWatch(5_000);
    const link = await start(broker.url, { watch, queue: { ...queue, consumers: 2 } });
    await until(() => link.sessions === 1, { what: 'the consumer' });
    await onChannel(broker.url, async (channel) => {
      await channel.consume(queue.name, () => undefined);
      await watch.looks(4);
    });
    expect(link.logged.join()).not.toContain(messages.otherConsumers);
  });
});

describe('what arrives on the queue', () => {
  test('with a header table nested so deep that amqplib can’t read it, is taken with its other properties', async () => {
    const link = await start(broker.url);
    await until(() => link.sessions === 1, { what: 'the consumer' });
    await publishNestedHeaders(15_000, 1_700_000_000, '{"msg_id":"poison"}');
    const [after] = await publishAsKazoo(broker.url, 1);
    await until(async () => (await link.journalled()).length === 2, { what: 'both notifications' });
    expect(await link.journalled()).toEqual(['poison', after]);
    expect((await link.journal.find({ limit: 2 }))[0]?.header.occurredAt).toBe(1_700_000_000_000);
    expect(link.sessions).toBe(1);
  });

  test('with every kind of header and property, or with no body at all, is taken', async () => {
    const link = await start(broker.url);
    await until(() => link.sessions === 1, { what: 'the consumer' });
    await onChannel(broker.url, async (channel) => {
      const headers = {
        text: '\u0000é',
        number: -1.5,
        big: 2 ** 53,
        flag: true,
        nothing: null,
        list: [1, 'a', [null]],
        table: { __proto__: null, constructor: 'x' },
        bytes: Buffer.from([0, 255]),
        time: { '!': 'timestamp', value: 2 ** 60 },
        decimal: { '!': 'decimal', value: { digits: 1, places: 2 } },
      };
      channel.publish('notifications', 'notifications.\u00e9', Buffer.alloc(0), {
        headers,
        contentType: '\u0007',
        contentEncoding: 'nonsense',
        timestamp: 2 ** 62,
        messageId: 'm',
        priority: 9,
        expiration: '100000',
      });
      channel.publish('notifications', `notifications.${'x'.repeat(230)}`, Buffer.from('{"msg_id":"long key"}'));
      await until(async () => (await link.journalled()).length === 2, { what: 'both messages' });
    });
    const [odd, long] = await link.journal.find({ after: 0, limit: 2 });
    expect(odd).toMatchObject({ state: 'undecodable', header: { routingKey: 'notifications.\u00e9' } });
    expect(long?.header.routingKey).toHaveLength(244);
  });
});

async function start(url: string, options: Parameters<typeof startLink>[1] = {}): Promise<TestLink> {
  const link = await startLink(url, options);
  links.push(link);
  return link;
}

/** A user with the least that intake needs: all of its own queue, and reading the exchange. */
async function limitedUser(): Promise<string> {
  const name = '<<"limited">>';
  await broker.ask(
    `rabbit_auth_backend_internal:exists(${name}) orelse rabbit_auth_backend_internal:add_user(${name}, <<"secret">>, <<"test">>)`,
  );
  const queue = '^kazoo-relay$';
  await permit(broker, 'limited', { configure: queue, write: queue, read: '^(kazoo-relay|notifications)$' });
  return broker.url.replace('guest:guest', 'limited:secret');
}

/** Sends a message whose header table nests `levels` deep: amqplib's own publish couldn't. */
async function publishNestedHeaders(levels: number, seconds: number, body: string): Promise<void> {
  await onChannel(broker.url, async (channel) => {
    // Frames of our own making go straight to the socket that amqplib's connection writes to.
    const { ch, connection } = channel as unknown as {
      ch: number;
      connection: { stream: { write(bytes: Buffer): void } };
    };
    const timestamp = Buffer.alloc(8);
    timestamp.writeBigUInt64BE(BigInt(seconds));
    connection.stream.write(
      Buffer.concat([
        frame(1, ch, publishMethod('notifications', 'notifications.a.b')),
        frame(2, ch, contentHeader(body.length, 0x2040, Buffer.concat([nestedTable(levels), timestamp]))),
        frame(3, ch, Buffer.from(body)),
      ]),
    );
    // An answer on the same channel means that the broker has read what came before.
    await channel.checkExchange('notifications');
  });
}

function nestedTable(levels: number): Buffer {
  // Each level is a table of one field: its length, the name "a", and the type of a table.
  const bytes = Buffer.alloc(7 * levels + 4);
  for (let level = 0; level < levels; level += 1) {
    bytes.writeUInt32BE(7 * (levels - level), 7 * level);
    bytes.write('\u0001aF', 7 * level + 4, 'latin1');
  }
  return bytes;
}
