import { Socket } from 'node:net';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '../../../src/broker/connection.ts';
import { connectPublisher } from '../../../src/cli/support/publisher.ts';
import { examineDatabase } from '../../support/database.ts';
import { openWebhook } from '../../support/webhook.ts';

/** What each connection was asked for, in the order of the attempts. */
const asked: unknown[] = [];
const { connect: original } = Socket.prototype;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const [first] = args.flat();
  asked.push(typeof first === 'object' && first !== null && 'port' in first ? first : args);
  return Reflect.apply(original, this, args);
} as typeof original;

beforeEach(() => {
  asked.length = 0;
});

afterAll(() => {
  Socket.prototype.connect = original;
});

// Nobody listens on port 1: what counts is how long an address would have had to answer.
describe('of a host with several addresses, each has a third of the time for a connection, and not 250 ms', () => {
  const share = { autoSelectFamilyAttemptTimeout: 2_000 };
  const webhook = async (url: string, options: object = {}) => {
    const sink = await openWebhook({ url, proxy: 'none', timeout: { connect: '6s' }, ...options });
    await sink.send().finally(() => sink.close());
  };
  const database = (protocol: string) =>
    examineDatabase({ url: `${protocol}://127.0.0.1:1/d`, table: 't', statementTimeout: '6s' });
  const oauth2 = { tokenUrl: 'http://127.0.0.1:1/token', clientId: 'me', clientSecret: 'x' };
  const broker = { heartbeat: 5, connectTimeout: 6_000, name: 'test' };

  test.each<[what: string, attempt: () => Promise<unknown>]>([
    ['a receiver', () => webhook('http://127.0.0.1:1')],
    ['a receiver over TLS', () => webhook('https://127.0.0.1:1')],
    ['a proxy', () => webhook('https://10.0.0.1', { proxy: 'http://127.0.0.1:1' })],
    ['a proxy without a tunnel', () => webhook('http://10.0.0.1', { proxy: 'http://127.0.0.1:1' })],
    ['a token endpoint', () => webhook('http://127.0.0.1:1', { auth: { oauth2 } })],
    ['a broker', () => connect({ url: 'amqp://127.0.0.1:1', ...broker })],
    ['a broker over TLS', () => connect({ url: 'amqps://127.0.0.1:1', ...broker })],
    [
      'a broker whose url says how long',
      () => connect({ url: 'amqp://127.0.0.1:1?connection_timeout=6000', ...broker, connectTimeout: 9 }),
    ],
    ['PostgreSQL', () => database('postgres')],
    ['MySQL', () => database('mysql')],
  ])('%s', async (_what, attempt) => {
    await attempt().catch(() => undefined);
    expect(asked).not.toEqual([]);
    for (const options of asked) expect(options).toMatchObject(share);
  });

  test('a broker that is published to', async () => {
    await expect(connectPublisher('amqp://127.0.0.1:1')).rejects.toThrow('ECONNREFUSED');
    expect(asked).toMatchObject([{ autoSelectFamilyAttemptTimeout: 3_334 }]);
  });
});
