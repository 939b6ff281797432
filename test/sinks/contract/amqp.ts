import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import amqplib from 'amqplib';
import { amqpSink } from '../../../src/sinks/amqp/sink.ts';
import type { Certificates } from '../../support/certificates.ts';
import { permit, shareBroker } from '../../support/rabbitmq.ts';
import type { ContractedSink, Place } from './contract.ts';
import { behindNetwork } from './network.ts';

export const amqp: ContractedSink = {
  name: 'amqp',
  repeats: 'twice',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': 'unavailable',
    restarted: 'delivered',
    slow: 'delivered',
    'half open': 'given up',
    'reset, then silent': 'unavailable',
    'an answer after the deadline': 'given up',
    'one refused of many': 'retry',
    'credentials expired': 'unavailable',
    'a wrong name in TLS': 'unavailable',
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    // A routing key has 255 bytes at most.
    'hostile texts': 'dead',
  },
};

/** A queue that gets all of one exchange, and not all of another one. */
export async function amqpPlace({ server: pair, files }: Certificates): Promise<Place> {
  const broker = await shareBroker();
  const user = `contract-${broker.vhost.replace(/\W/g, '')}`;
  const asUser = (act: string) => broker.ask(`rabbit_auth_backend_internal:${act}, <<"test">>)`);
  await asUser(`add_user(<<"${user}">>, <<"gehei/m">>`);
  await permit(broker, user, { configure: '', write: '.*', read: '' });
  const model = await amqplib.connect(broker.url);
  const channel = await model.createChannel();
  await channel.assertQueue('inbox', { durable: false });
  for (const [exchange, key] of [
    ['all', '#'],
    ['some', 'kazoo.*.low_balance'],
  ] as const) {
    await channel.assertExchange(exchange, 'topic', { durable: false });
    await channel.bindQueue('inbox', exchange, key);
  }
  const held: string[] = [];
  await channel.consume('inbox', (message) => void held.push(String(message?.properties.messageId)), { noAck: true });
  const secure = createServer({ ...pair }, (client) => {
    const upstream = connect(broker.port, '127.0.0.1').on('error', () => undefined);
    client
      .on('error', () => undefined)
      .pipe(upstream)
      .pipe(client);
  });
  await once(secure.listen(0, '127.0.0.1'), 'listening');
  const { port: securePort } = secure.address() as AddressInfo; // it listens on a port
  return behindNetwork(
    broker.port,
    (port) => {
      const urlOf = (protocol: string, at: number) =>
        `${protocol}://${user}:gehei%2Fm@127.0.0.1:${at}${new URL(broker.url).pathname}`;
      const options = { url: urlOf('amqp', port), exchange: 'all' };
      return {
        kind: amqpSink,
        options,
        secrets: ['gehei/m', 'gehei%2Fm'],
        held: async () => held,
        faults: {
          'one refused of many': () => ({ options: { ...options, exchange: 'some' }, undo: () => undefined }),
          'credentials expired': async () => {
            await asUser(`change_password(<<"${user}">>, <<"another">>`);
            await broker.ask(`rabbit_networking:close_all_user_connections(<<"${user}">>, <<"expired">>)`);
            return { undo: async () => void (await asUser(`change_password(<<"${user}">>, <<"gehei/m">>`)) };
          },
          'a wrong name in TLS': () => ({
            options: { ...options, url: urlOf('amqps', securePort), tls: { ca: files.ca } },
            undo: () => undefined,
          }),
        },
      };
    },
    async () => {
      secure.close();
      await model.close();
      await asUser(`delete_user(<<"${user}">>`);
      await broker.close();
    },
    { answersEach: true },
  );
}
