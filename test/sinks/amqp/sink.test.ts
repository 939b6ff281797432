import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import amqp, { type Channel, type ChannelModel } from 'amqplib';
import fc from 'fast-check';
import pino from 'pino';
import { Connection } from '../../../src/sinks/amqp/connection.ts';
import type { AmqpSinkOptions } from '../../../src/sinks/amqp/options.ts';
import { routingKeyOf } from '../../../src/sinks/amqp/routing-key.ts';
import { amqpSink } from '../../../src/sinks/amqp/sink.ts';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { delivery, deliveryFrom, entry } from '../../support/notification.ts';
import { permit, type SharedBroker, shareBroker } from '../../support/rabbitmq.ts';
import { runs } from '../../support/runs.ts';
import { until } from '../../support/until.ts';
import { amqp as amqpContract, amqpPlace } from '../contract/amqp.ts';
import { keepsTheContract } from '../contract/contract.ts';

const { signal } = new AbortController();
const context = { route: 'r', log: pino({ level: 'silent' }) };
const ok = { status: 'delivered' };
let certificates: Certificates;
let broker: SharedBroker;
let model: ChannelModel;
let channel: Channel;
let sink: Sink | undefined;

beforeAll(async () => {
  certificates = await makeCertificates();
  broker = await shareBroker();
});
afterAll(async () => {
  certificates.remove();
  await broker.close();
});
beforeEach(async () => {
  model = await amqp.connect(broker.url);
  model.on('error', () => undefined);
  channel = await model.createChannel();
  await channel.assertExchange('ours', 'topic', { durable: false });
  await channel.assertQueue('inbox', { durable: false });
  await channel.bindQueue('inbox', 'ours', 'kazoo.account.low_balance');
});
afterEach(async () => {
  await sink?.close();
  await channel.deleteQueue('inbox').catch(() => undefined);
  await model.close().catch(() => undefined);
});

keepsTheContract(amqpContract, () => amqpPlace(certificates));

describe('the amqp sink', () => {
  test('publishes the envelope, persistent, with the id as message id', async () => {
    sink = await open();
    const one = delivery('1');
    expect(await sink.deliver([one, delivery('2')], signal)).toEqual([ok, ok]);
    const [first, second] = await messages(2);
    expect(first?.content.toString()).toBe(one.json);
    expect(first?.fields).toMatchObject({ exchange: 'ours', routingKey: 'kazoo.account.low_balance' });
    expect(first?.properties).toMatchObject({
      messageId: '1',
      deliveryMode: 2,
      contentType: 'application/json',
      type: 'low_balance',
      appId: 'kazoo-relay',
      timestamp: 1_700_000_000,
    });
    expect(second?.properties.messageId).toBe('2');
  });

  test('publishes CloudEvents, and straight to a queue by the default exchange', async () => {
    sink = await open({ format: 'cloudevents', exchange: 'amq.default', routingKey: 'inbox' });
    expect(await sink.deliver([delivery('1')], signal)).toEqual([ok]);
    const [message] = await messages(1);
    expect(JSON.parse(String(message?.content))).toMatchObject({ specversion: '1.0', id: '1', source: '/kazoo/west' });
    expect(message?.properties.contentType).toBe('application/cloudevents+json; charset=utf-8');
  });

  test('tells which of many reaches no queue, unless that is all the same', async () => {
    sink = await open();
    const lost = deliveryFrom(entry({ id: 'lost', event: 'missed_call' }));
    const reason = expect.stringContaining('leads to no queue for the routing key kazoo.account.missed_call');
    expect(await sink.deliver([delivery('1'), lost, delivery('2')], signal)).toEqual([
      ok,
      { status: 'retry', reason },
      ok,
    ]);
    await sink.close();
    sink = await open({ mandatory: false });
    expect(await sink.deliver([lost], signal)).toEqual([ok]);
  });

  test('tries again what the broker refuses', async () => {
    await channel.assertQueue('full', {
      durable: false,
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    });
    sink = await open({ exchange: 'amq.default', routingKey: 'full' });
    const outcomes = await sink.deliver([delivery('1'), delivery('2')], signal);
    expect(outcomes).toEqual([ok, { status: 'retry', reason: expect.stringContaining('nack'), away: true }]);
    await channel.deleteQueue('full');
  });

  test('makes a dead letter of one whose routing key AMQP doesn’t allow', async () => {
    sink = await open({ routingKey: '{account_id}' });
    const long = deliveryFrom(entry({ id: 'long', accountId: 'x'.repeat(256) }));
    const [outcome] = await sink.deliver([long], signal);
    expect(outcome).toMatchObject({ status: 'dead', reason: expect.stringContaining('255 bytes') });
    expect(amqpSink.rehearse?.(all({ routingKey: '{account_id}' }))?.(long)?.message).toContain('has 256 bytes');
  });

  test.each([
    ['has no such exchange', { exchange: 'nowhere' }, 404, /no exchange 'nowhere'/],
    ['refuses the password', { url: 'secret' }, 403, /refuses user relay or its password/],
  ])('is unavailable, and says so in its connection test, where the broker %s', async (_, options, code, reason) => {
    const url = !('url' in options)
      ? broker.url
      : broker.url.replace('guest:guest@', '').replace('//', '//relay:hush@');
    sink = await open({ ...options, url });
    const failure: unknown = await sink.deliver([delivery('1')], signal).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SinkUnavailable);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(reason) });
    expect(String(failure)).not.toContain('hush');
    await expect(amqpSink.connectionTest(all({ ...options, url }), context)).rejects.toThrow(reason);
  });

  test('publishes nothing more while the broker is blocked, and goes on when that is over', async () => {
    sink = await open();
    expect(await sink.deliver([delivery('1')], signal)).toEqual([ok]);
    const trouble = async (id: string) => {
      const outcome = sink?.deliver([delivery(id)], signal).then(([one]) => one?.status);
      return outcome?.catch((error) => error instanceof SinkUnavailable && error.message);
    };
    await block(true);
    // It takes the first one or doesn't: its word that it is blocked may come before, or after.
    const blocked = expect.stringContaining('takes no messages: low on memory');
    await until(async () => (await trouble('2')) !== 'delivered', { what: 'the broker’s word' });
    expect(await trouble('3')).toEqual(blocked);
    expect(await trouble('3')).toEqual(blocked);
    await block(false);
    await until(async () => (await trouble('3')) === 'delivered', { what: 'the broker to take messages' });
    expect((await drained()).filter((id) => id === '3')).toEqual(['3']);
  });

  test('keeps nothing of a batch that is delivered', async () => {
    const connection = await Connection.open(all({}), signal);
    const before = heap();
    const batches = 50_000;
    for (let batch = 0; batch < batches; batch += 1) await connection.publish([], () => undefined);
    expect((heap() - before) / batches).toBeLessThan(100);
    await connection.close();
  });

  test('finds out which of many the broker closes the channel for, and delivers the others', async () => {
    const topics = (write: string) =>
      broker.ask(
        `rabbit_auth_backend_internal:set_topic_permissions(<<"guest">>, ${broker.vhost}, <<"ours">>, <<"${write}">>, <<".*">>, <<"test">>)`,
      );
    await topics('low_balance$');
    try {
      sink = await open();
      const refused = deliveryFrom(entry({ id: 'refused', event: 'missed_call' }));
      const outcomes = await sink.deliver([delivery('1'), refused, delivery('2')], signal);
      const reason = expect.stringContaining("access to topic 'kazoo.account.missed_call'");
      expect(outcomes).toEqual([ok, { status: 'retry', code: 403, reason }, ok]);
      expect(new Set(await drained())).toEqual(new Set(['1', '2']));
    } finally {
      await topics('.*');
    }
  });

  test('makes a dead letter of one that is larger than the broker takes', async () => {
    // For all who share the broker: nobody else's messages come near to it.
    await broker.ask(`application:set_env(rabbit, max_message_size, ${8 * 2 ** 20})`);
    try {
      sink = await open();
      const large = deliveryFrom(entry({ id: 'large', data: { text: 'x'.repeat(9 * 2 ** 20) } }));
      const outcomes = await sink.deliver([delivery('1'), large, delivery('2')], signal);
      const reason = expect.stringContaining('larger than configured max size');
      expect(outcomes).toEqual([ok, { status: 'dead', code: 406, reason }, ok]);
    } finally {
      await broker.ask('application:unset_env(rabbit, max_message_size)');
    }
  });

  test('needs no right but to write to its exchange', async () => {
    await permit(broker, 'guest', { configure: '', write: '^ours$', read: '' });
    try {
      sink = await open();
      expect(await sink.deliver([delivery('1')], signal)).toEqual([ok]);
      const other = await open({ exchange: 'amq.topic' });
      const refused = other.deliver([delivery('2')], signal);
      await expect(refused).rejects.toMatchObject({ code: 403, message: expect.stringContaining('ACCESS_REFUSED') });
      await other.close();
    } finally {
      await permit(broker, 'guest', { configure: '.*', write: '.*', read: '.*' });
    }
  });

  test.each(['teletype_shared_listener', 'notify_listener', 'webhooks_shared_listener', 'callflow_listener'])(
    'never publishes to a broker of KAZOO: one with the queue %s',
    async (queue) => {
      await channel.assertQueue(queue, { durable: false });
      try {
        sink = await open();
        await expect(sink.deliver([delivery('1')], signal)).rejects.toThrow(
          `a broker of KAZOO: it has the queue ${queue}`,
        );
        await expect(amqpSink.connectionTest(all({}), context)).rejects.toThrow('use a RabbitMQ of your own');
      } finally {
        await channel.deleteQueue(queue);
      }
    },
  );

  test('never publishes to a broker with both of KAZOO’s exchanges; one of them may be anybody’s', async () => {
    await channel.assertExchange('notifications', 'topic', { durable: false });
    sink = await open();
    expect(await sink.deliver([delivery('1')], signal)).toEqual([ok]);
    await sink.close();
    await channel.assertExchange('targeted', 'direct', { durable: false });
    sink = await open();
    await expect(sink.deliver([delivery('2')], signal)).rejects.toThrow(
      'it has the exchanges notifications and targeted',
    );
    await channel.deleteExchange('notifications');
    await channel.deleteExchange('targeted');
  });
});

test('a routing key has the words of its template, whatever is in a notification', () => {
  const text = fc.option(fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(text, text, (event, accountId) => {
      const { envelope } = deliveryFrom(entry({ event, accountId }));
      expect(routingKeyOf('a.{event}.{account_id}', envelope)).toMatch(/^a\.[^\s.*#]+\.[^\s.*#]+$/);
    }),
    runs(200),
  );
});

function all(options: Partial<AmqpSinkOptions>): AmqpSinkOptions {
  return {
    url: broker.url,
    exchange: 'ours',
    routingKey: 'kazoo.{category}.{event}',
    format: 'envelope',
    mandatory: true,
    persistent: true,
    connectTimeout: 5_000,
    batch: { max: 500, linger: 0 },
    tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined },
    ...options,
  };
}

function open(options: Partial<AmqpSinkOptions> = {}): Promise<Sink> {
  return amqpSink.open(all(options), context);
}

/** Has the broker hold up this test's connections, as where it is low on memory; it tells who publishes. */
function block(isLow: boolean): Promise<unknown> {
  const ours = `proplists:get_value(vhost, Info) =:= ${broker.vhost}`;
  const all = 'rabbit_networking:connection_info_all([pid, vhost])';
  const hold = `rabbit_reader:conserve_resources(proplists:get_value(pid, Info), memory, {${isLow}, ${isLow}, node()})`;
  return broker.ask(`[${hold} || Info <- ${all}, ${ours}], true`);
}

/** The ids of all that is in the queue, which is empty then. */
async function drained(): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const message = await channel.get('inbox', { noAck: true });
    if (message === false) return ids;
    ids.push(String(message.properties.messageId));
  }
}

/** Bytes that are in use. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NodeJS.GCFunction; // the flag above has made it
  gc();
  return process.memoryUsage().heapUsed;
}

async function messages(count: number) {
  const got: NonNullable<Awaited<ReturnType<Channel['get']>>>[] = [];
  await until(
    async () => {
      const message = await channel.get('inbox', { noAck: true });
      if (message !== false) got.push(message);
      return got.length >= count;
    },
    { what: 'the messages' },
  );
  return got as amqp.GetMessage[];
}
