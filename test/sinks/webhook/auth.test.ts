import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { openForTest } from '../../support/open-for-test.ts';
import type { Arrival, Reply } from '../../support/receiver.ts';
import { until } from '../../support/until.ts';
import { deliveryOf } from '../../support/webhook.ts';

const json = { 'content-type': 'application/json' };
const { receive, webhook } = openForTest();
const [one, other] = [secret(), secret()];

describe('auth', () => {
  test('basic sends user and password', async () => {
    const { authorization } = await headersOf({ basic: { user: 'me', password: 'ge:heim ü' } });
    expect(authorization).toBe(`Basic ${Buffer.from('me:ge:heim ü').toString('base64')}`);
  });

  test('bearer sends the token', async () => {
    expect((await headersOf({ bearer: { token: 't' } })).authorization).toBe('Bearer t');
  });
});

describe('OAuth 2 client credentials', () => {
  test('fetch one token for many requests, however many come at once', async () => {
    const { receiver, tokens, sink } = await start();
    await Promise.all(Array.from({ length: 5 }, () => sink.send()));
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(tokens.arrivals).toHaveLength(1);
    expect(receiver.arrivals.map(({ headers }) => headers.authorization)).toEqual(Array(6).fill('Bearer token-1'));
  });

  test('are sent as RFC 6749 says, in a header or in the body', async () => {
    const inHeader = await start({ oauth2: { parameters: { scope: 'a b', audience: 'x' } } });
    await inHeader.sink.send();
    const [first] = inHeader.tokens.arrivals;
    expect(first?.headers).toMatchObject({
      'content-type': expect.stringContaining('application/x-www-form-urlencoded'),
      authorization: `Basic ${Buffer.from('id:geheim%3A1').toString('base64')}`,
    });
    expect(Object.fromEntries(new URLSearchParams(first?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'a b',
      audience: 'x',
    });
    const inBody = await start({ oauth2: { clientAuth: 'post' } });
    await inBody.sink.send();
    const [second] = inBody.tokens.arrivals;
    expect(second?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(second?.body))).toMatchObject({
      client_id: 'id',
      client_secret: 'geheim:1',
    });
  });

  test('fetch another token before the old one runs out', async () => {
    const { tokens, sink } = await start({ expiresIn: 0 });
    await sink.send();
    await sink.send();
    expect(tokens.arrivals).toHaveLength(2);
  });

  test('fetch another token when the receiver refuses the old one, and send again at once', async () => {
    const { receiver, sink } = await start({
      reply: (count) => (count === 2 ? 401 : 200),
    });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(receiver.arrivals.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('try that once: a receiver that refuses the new one too means it', async () => {
    const { receiver, tokens, sink } = await start({ reply: () => 401 });
    expect(await sink.send()).toMatchObject({ status: 'dead', code: 401 });
    expect(receiver.arrivals).toHaveLength(2);
    expect(tokens.arrivals).toHaveLength(2);
  });

  test.each<[string, Reply]>([
    [
      'answered 401: invalid_client: no ***',
      { status: 401, headers: json, body: '{"error":"invalid_client","error_description":"no geheim:1"}' },
    ],
    ['answered 500, and not what OAuth 2 says', { status: 500, body: 'geheim:1' }],
    ['clientId or clientSecret is wrong', { status: 401, headers: { 'www-authenticate': 'Basic realm="geheim:1"' } }],
    ['gives no token', { status: 200, headers: json, body: '[]' }],
    ['gives no token', { status: 200, headers: json, body: '{"token_type":"bearer"}' }],
    [
      'characters that no header may',
      { status: 200, headers: json, body: '{"token_type":"bearer","access_token":"a\\r\\nb"}' },
    ],
    ['gives no token', { status: 307, headers: { location: '/elsewhere' } }],
  ])('that give no token (%s) burn no attempt, and show no secret', async (message, reply) => {
    const { tokens, receiver, sink } = await start({ token: () => reply });
    const error: unknown = await sink.send().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SinkUnavailable);
    expect(String(error)).toContain(`${tokens.url} gives no token`);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('geheim');
    expect(receiver.arrivals).toEqual([]);
  });

  test('that nobody gives out burn no attempt either, and are asked for again', async () => {
    let count = 0;
    const { sink } = await start({
      token: () => {
        count += 1;
        return count === 1 ? 503 : { status: 200, headers: json, body: '{"token_type":"bearer","access_token":"t"}' };
      },
    });
    await expect(sink.send()).rejects.toThrow(SinkUnavailable);
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test('wait no longer for a token than for an answer', async () => {
    const { sink } = await start({ token: () => new Promise(() => undefined), timeout: { total: '50ms' } });
    await expect(sink.send()).rejects.toThrow('gives no token: no answer within 50 ms');
  });

  test('don’t hold up the end', async () => {
    const { tokens, sink } = await start({ token: () => new Promise(() => undefined) });
    const outcome = sink.send().catch((thrown) => thrown);
    await until(() => tokens.arrivals.length > 0, { what: 'the request for a token' });
    await sink.close();
    expect(await outcome).toBeInstanceOf(SinkUnavailable);
  });
});

describe('a signature', () => {
  test('is one that the library of Standard Webhooks verifies, ü and all', async () => {
    const [arrival] = await arrivals({ signature: { secrets: [one] } }, [{ zone: 'süd' }]);
    expect(verify(one, arrival)).toMatchObject({ zone: 'süd' });
    expect(() => verify(other, arrival)).toThrow('No matching signature');
  });

  test('is made with each of several secrets, so that one can replace another', async () => {
    const [arrival] = await arrivals({ signature: { secrets: [one, other] } }, [{}]);
    expect(verify(one, arrival)).toBeDefined();
    expect(verify(other, arrival)).toBeDefined();
  });

  test('takes a secret without its prefix too', async () => {
    const [arrival] = await arrivals({ signature: { secrets: [one.replace('whsec_', '')] } }, [{}]);
    expect(verify(one, arrival)).toBeDefined();
  });

  test.each(['standard', 'cloudevents', 'kazoo-json'])('is there with the format %s', async (format) => {
    const [arrival] = await arrivals({ format, signature: { secrets: [one] } }, [{}]);
    expect(verify(one, arrival)).toBeDefined();
  });

  test('is missing where there is no secret, but the id isn’t', async () => {
    const [arrival] = await arrivals({}, [{ id: 'i' }]);
    expect(arrival?.headers).toMatchObject({
      'webhook-id': 'i',
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    });
    expect(arrival?.headers['webhook-signature']).toBeUndefined();
  });

  test('knows a batch by what is in it, however often it comes', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: receiver.url, batch: { max: 9 }, signature: { secrets: [one] } });
    for (const ids of [['a', 'b'], ['a', 'b'], ['a', 'c'], ['a']]) {
      await sink.deliver(
        ids.map((id) => deliveryOf({ id })),
        new AbortController().signal,
      );
    }
    const [first, again, another, single] = receiver.arrivals.map(({ headers }) => headers['webhook-id']);
    expect(first).toMatch(/^batch-[0-9a-f]{32}$/);
    expect(again).toBe(first);
    expect(another).not.toBe(first);
    expect(single).toBe('a');
    expect(verify(one, receiver.arrivals[0])).toHaveLength(2);
  });
});

interface Start {
  readonly oauth2?: object;
  readonly expiresIn?: number;
  readonly reply?: (count: number) => Reply;
  readonly token?: () => Reply | Promise<Reply>;
  readonly timeout?: object;
}

async function start({ oauth2 = {}, expiresIn = 3_600, reply = () => 200, token, timeout = {} }: Start = {}) {
  const give = (count: number) => ({
    status: 200,
    headers: json,
    body: JSON.stringify({ access_token: `token-${count}`, token_type: 'Bearer', expires_in: expiresIn }),
  });
  const tokens = await receive((_, count) => token?.() ?? give(count));
  const receiver = await receive((_, count) => reply(count));
  const sink = await webhook({
    url: receiver.url,
    timeout,
    auth: { oauth2: { tokenUrl: `${tokens.url}/token?q=1`, clientId: 'id', clientSecret: 'geheim:1', ...oauth2 } },
  });
  return { receiver, tokens, sink };
}

async function headersOf(auth: object) {
  const receiver = await receive();
  await (await webhook({ url: receiver.url, auth })).send();
  return receiver.arrivals[0]?.headers ?? {};
}

function secret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

function verify(key: string, arrival: Arrival | undefined): unknown {
  return new Webhook(key).verify(arrival?.body ?? '', arrival?.headers as Record<string, string>); // none comes twice
}

async function arrivals(options: object, notifications: object[]): Promise<Arrival[]> {
  const receiver = await receive();
  const sink = await webhook({ url: receiver.url, ...options });
  for (const parts of notifications) await sink.send(parts);
  return receiver.arrivals;
}
