import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Channel } from 'amqplib';
import { connect } from '../../src/broker/connection.ts';
import { connectPublisher } from '../../src/cli/support/publisher.ts';
import { messages } from '../../src/common/messages.ts';
import { declareAsKazoo, onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { startLink, type TestLink } from '../support/link.ts';
import { startBroker, type TestBroker } from '../support/rabbitmq.ts';
import { until } from '../support/until.ts';

let broker: TestBroker;
let url: string;
let link: TestLink;

beforeAll(async () => {
  broker = await startBroker();
  url = broker.url.replace('guest:guest', 'kazoo-relay:PASSWORD');
  for (const args of documentedCommands()) await broker.ctl(...args);
  link = await startLink(url);
});

afterAll(async () => {
  await link.close();
  await broker.close();
});

/** Those of docs/security.md, as they stand there. */
function documentedCommands(): string[][] {
  const commands = [...readFileSync('docs/security.md', 'utf8').matchAll(/^ {4}rabbitmqctl (.*)$/gm)];
  return commands.map(([, args = '']) =>
    [...args.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
}

test('a user and a password with letters beyond ASCII, a percent sign and a slash get in', async () => {
  await broker.ctl('add_user', 'jürgen', 'geheim€%/ß');
  await broker.ctl('set_permissions', '--vhost', '/', 'jürgen', '.*', '.*', '.*');
  const login = `${encodeURIComponent('jürgen')}:${encodeURIComponent('geheim€%/ß')}`;
  const his = broker.url.replace('guest:guest', login);
  const connection = await connect({ url: his, heartbeat: 5, connectTimeout: 10_000, name: 'test' });
  expect(connection.alive).toBe(true);
  await connection.close(1_000);
  const publisher = await connectPublisher(his);
  expect(await publisher.hasQueue('nobody-has-made-it')).toBe(false);
  await publisher.close();
});

describe('with the user of docs/security.md', () => {
  test('the daemon waits for KAZOO, and then takes what comes', async () => {
    await until(() => link.logged.some((line) => line.includes(messages.awaitingExchange)), {
      what: 'the line in the log',
    });
    await declareAsKazoo(broker.url);
    await until(() => link.sessions === 1, { what: 'the link to consume' });
    await publishAsKazoo(broker.url, 3);
    await until(async () => (await link.journalled()).length === 3, { what: 'the notifications' });
  });

  test.each<[string, (channel: Channel) => unknown]>([
    [
      'publish a notification',
      (channel) => channel.publish('notifications', 'notifications.sip.register', Buffer.from('{}')),
    ],
    ['answer one', (channel) => channel.publish('targeted', 'any', Buffer.from('{}'))],
    ['publish to a queue of KAZOO', (channel) => channel.sendToQueue('teletype_shared_listener', Buffer.from('{}'))],
    ['read from a queue of KAZOO', (channel) => channel.get('teletype_shared_listener')],
    ['delete a queue of KAZOO', (channel) => channel.deleteQueue('teletype_shared_listener')],
    ['delete the exchange', (channel) => channel.deleteExchange('notifications')],
    ['make a queue', (channel) => channel.assertQueue('another')],
    ['make an exchange', (channel) => channel.assertExchange('another', 'fanout')],
  ])('nobody can %s', async (_, work) => {
    await onChannel(broker.url, async (channel) => {
      await channel.assertQueue('teletype_shared_listener');
      await channel.assertExchange('targeted', 'direct');
    });
    await expect(refusal(work)).resolves.toMatch(/ACCESS_REFUSED/);
  });
});

/** What the broker says to it, at the latest when something else is asked on the same channel. */
function refusal(work: (channel: Channel) => unknown): Promise<string> {
  return onChannel(url, async (channel) => {
    const refused = new Promise<string>((resolve) => channel.on('error', (error) => resolve(error.message)));
    await Promise.resolve(work(channel)).catch(() => undefined);
    await channel.checkQueue('kazoo-relay').catch(() => undefined);
    return refused;
  });
}
