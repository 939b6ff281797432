import { describe, expect, test } from '@jest/globals';
import { webhookSink } from '../../../src/sinks/webhook/sink.ts';
import { openForTest } from '../../support/open-for-test.ts';
import type { Reply } from '../../support/receiver.ts';
import { deliveryOf, webhookOptions } from '../../support/webhook.ts';

const { receive, webhook } = openForTest();

describe('a request', () => {
  test('is a POST of the envelope, with an id that stays the same and the configured headers', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: `${receiver.url}/hooks`, headers: { 'X-Key': 'k1', 'User-Agent': 'mine' } });
    expect(await sink.send({ id: 'a' })).toMatchObject({ status: 'delivered' });
    expect(await sink.send({ id: 'a' })).toMatchObject({ status: 'delivered' });
    const [first, second] = receiver.arrivals;
    expect(first).toMatchObject({ method: 'POST', path: '/hooks' });
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-key': 'k1',
      'user-agent': 'mine',
      'webhook-id': 'a',
    });
    expect(JSON.parse(first?.body ?? '')).toEqual(deliveryOf({ id: 'a' }).envelope);
    expect(second?.headers['webhook-id']).toBe('a');
  });

  test('tells of a digest as one message, and of a single notification as ever', async () => {
    const receiver = await receive();
    const sink = await webhook({
      url: receiver.url,
      preset: 'ntfy',
      fields: { topic: 't' },
      rateLimit: { requests: 1_000 },
    });
    expect(await sink.digest({ id: 'a' }, { id: 'b' })).toMatchObject({ status: 'delivered' });
    expect(await sink.digest({ id: 'a' }, { id: 'b' })).toMatchObject({ status: 'delivered' });
    await sink.digest({ id: 'c' });
    await sink.send({ id: 'c' });
    const [first, again, alone, single] = receiver.arrivals;
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ title: expect.stringContaining('2 notifications of ') });
    expect(first?.headers['webhook-id']).toMatch(/^batch-/);
    expect(again?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(alone?.body).toBe(single?.body);
  });

  test('gives one outcome for all of a digest', async () => {
    const receiver = await receive(() => 400);
    const sink = await webhook({
      url: receiver.url,
      preset: 'ntfy',
      fields: { topic: 't' },
      rateLimit: { requests: 1_000 },
    });
    expect(await sink.digest({ id: 'a' }, { id: 'b' })).toMatchObject({ status: 'dead', code: 400 });
    expect(receiver.arrivals).toHaveLength(1);
  });

  test.each(['PUT', 'PATCH'])('may be a %s', async (method) => {
    const receiver = await receive();
    await (await webhook({ url: receiver.url, method })).send();
    expect(receiver.arrivals[0]?.method).toBe(method);
  });

  test('uses a connection again instead of opening its own', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: receiver.url });
    for (let count = 0; count < 10; count += 1) await sink.send();
    // The next request may be ready before the connection of the last one is.
    expect(receiver.connections).toBeLessThanOrEqual(2);
  });

  test('goes at the same time as others, on as many connections as `concurrency` says', async () => {
    const waiting: (() => void)[] = [];
    const receiver = await receive(
      () =>
        new Promise<Reply>((resolve) => {
          waiting.push(() => resolve(200));
          if (waiting.length >= 4) for (const answer of waiting.splice(0)) answer();
        }),
    );
    const sink = await webhook({ url: receiver.url, concurrency: 4 });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => sink.send()));
    expect(outcomes.every((outcome) => outcome?.status === 'delivered')).toBe(true);
    expect(receiver.connections).toBe(4);
  });

  test('ends when the route calls it back, and may be sent again', async () => {
    const receiver = await receive(() => new Promise<Reply>(() => undefined));
    const sink = await webhook({ url: receiver.url });
    const controller = new AbortController();
    const outcome = sink.deliver([deliveryOf({})], controller.signal);
    controller.abort();
    expect(await outcome).toEqual([{ status: 'retry', reason: 'interrupted', away: true }]);
    expect(await sink.deliver([deliveryOf({})], controller.signal)).toEqual([
      { status: 'retry', reason: 'interrupted', away: true },
    ]);
  });
});

describe('how a route hands over', () => {
  test('is one by one, 16 at a time, unless told otherwise', () => {
    const url = 'http://127.0.0.1';
    expect(webhookSink.limits(webhookOptions({ url }))).toEqual({ batch: { max: 1, linger: 0 }, concurrency: 16 });
    const given = { url, concurrency: 3, batch: { max: 50, linger: '2s' } };
    expect(webhookSink.limits(webhookOptions(given))).toEqual({ batch: { max: 50, linger: 2_000 }, concurrency: 3 });
  });

  test('is no more at a time than get their turn soon, where the rate is limited', () => {
    const limits = (rateLimit: object) => webhookSink.limits(webhookOptions({ url: 'http://127.0.0.1', rateLimit }));
    expect(limits({ requests: 1, per: '1m' }).concurrency).toBe(1);
    expect(limits({ requests: 2 }).concurrency).toBe(10);
    expect(limits({ requests: 100 }).concurrency).toBe(16);
  });
});

describe('the URL', () => {
  test('takes values of the notification, encoded, in path and query', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: `${receiver.url}/a/{account_id}/{event}?zone={zone}&id={id}` });
    await sink.send({ id: 'i', accountId: '../x?y#z', zone: 'süd&x=1' });
    expect(receiver.arrivals[0]?.path).toBe('/a/..%2Fx%3Fy%23z/low_balance?zone=s%C3%BCd%26x%3D1&id=i');
  });

  test.each(['@evil.example/', '.evil.example', '\r\nHost: evil.example', '//evil.example', '\\\\evil.example', ' '])(
    'can’t be led to another host by %j',
    async (accountId) => {
      const receiver = await receive();
      const sink = await webhook({ url: `${receiver.url}/{account_id}` });
      expect(await sink.send({ accountId })).toMatchObject({ status: 'delivered' });
      expect(receiver.arrivals[0]?.path).toBe(`/${encodeURIComponent(accountId)}`);
      expect(receiver.arrivals[0]?.headers.host).toBe(`127.0.0.1:${receiver.port}`);
    },
  );

  test.each([
    ['/a/{account_id}/b', { accountId: '..' }],
    ['/a/{account_id}{zone}', { accountId: '.', zone: '.' }],
    ['/a/.{account_id}?x', { accountId: '.' }],
  ])('%s can’t be led to another folder', async (path, parts) => {
    const receiver = await receive();
    const sink = await webhook({ url: `${receiver.url}${path}` });
    expect(await sink.send(parts)).toMatchObject({ status: 'dead', reason: expect.stringContaining('another folder') });
    expect(receiver.arrivals).toEqual([]);
  });

  test('that needs what a notification hasn’t makes a dead letter of it', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: `${receiver.url}/{account_id}` });
    expect(await sink.send({ accountId: null })).toEqual({
      status: 'dead',
      reason: "the URL needs account_id, which this notification doesn't have",
    });
  });
});
