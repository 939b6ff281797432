import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { RateLimiter } from '../../../src/sinks/webhook/rate-limiter.ts';
import { startReceiver } from '../../support/receiver.ts';
import { deliveryOf, openWebhook } from '../../support/webhook.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  jest.restoreAllMocks();
  for (const each of open.splice(0).reverse()) await each.close();
});

describe('the pace', () => {
  test('holds nothing back where there is no limit', () => {
    const limiter = new RateLimiter(undefined);
    expect(turns(limiter, 1_000, 0)).toEqual({ count: 1_000, end: 0 });
  });

  test('spreads requests evenly over the time', () => {
    const limiter = new RateLimiter({ requests: 5, per: 1_000 });
    expect(turns(limiter, 11, 0)).toEqual({ count: 11, end: 2_000 });
  });

  test('saves nothing up: after a silence, requests are spread as before', () => {
    const limiter = new RateLimiter({ requests: 10, per: 1_000 });
    turns(limiter, 5, 0);
    expect(turns(limiter, 11, 60_000).end).toBe(61_000);
  });

  test('becomes slower with each complaint, and faster again without', () => {
    const limiter = new RateLimiter(undefined);
    let now = turns(limiter, 100, 0).end;
    const pauses = [1, 2, 3].map(() => {
      now += 1;
      limiter.slowDown(now, now, now);
      const { end } = turns(limiter, 2, now);
      const pause = end - now;
      now = end;
      return pause;
    });
    expect(pauses[1]).toBeGreaterThan(pauses[0] ?? 0);
    expect(pauses[2]).toBeGreaterThan(pauses[1] ?? 0);
    for (let second = 0; second < 120; second += 1) {
      now += 1_000;
      limiter.accepted(now);
    }
    limiter.take(now);
    expect(limiter.wait(now)).toBe(0);
  });

  test('never becomes faster than the limit, nor slower than one a minute', () => {
    const limiter = new RateLimiter({ requests: 10, per: 1_000 });
    for (let now = 0; now < 100_000; now += 1_000) limiter.slowDown(now, now, now);
    expect(limiter.wait(99_000)).toBe(60_000);
    for (let now = 1e6; now < 2e6; now += 1_000) limiter.accepted(now);
    limiter.take(3e6);
    expect(limiter.wait(3e6)).toBe(100);
  });

  test('takes the complaints about requests that were under way together for one', () => {
    const one = new RateLimiter(undefined);
    const many = new RateLimiter(undefined);
    one.slowDown(100, 50, 100);
    for (let index = 0; index < 16; index += 1) many.slowDown(100 + index, 50, 100 + index);
    expect(many.wait(115)).toBe(one.wait(115));
  });

  test('waits as long as the receiver asks for', () => {
    const limiter = new RateLimiter(undefined);
    limiter.slowDown(0, 0, 5_000);
    expect(limiter.wait(1_000)).toBe(4_000);
    limiter.slowDown(2_000, 1_500, Number.POSITIVE_INFINITY);
    expect(limiter.wait(2_000)).toBe(3_600_000);
  });
});

describe('the sink', () => {
  test('slows down after an answer of 429 and delivers all the same', async () => {
    const { sink, receiver } = await start((count) => (count === 1 ? 429 : 200));
    expect(await sink.send()).toMatchObject({ status: 'retry', code: 429 });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(receiver.arrivals).toHaveLength(2);
  });

  test('leaves it to the route to wait long, and burns no attempt by it', async () => {
    const { sink, receiver } = await start(() => ({ status: 429, headers: { 'retry-after': '600' } }));
    expect(await sink.send()).toMatchObject({ status: 'retry', code: 429 });
    const error: unknown = await sink.send().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SinkUnavailable);
    const { probeAfter = 0 } = error as SinkUnavailable; // as the line before has found
    expect(probeAfter).toBeGreaterThan(590_000);
    expect(probeAfter).toBeLessThanOrEqual(600_000);
    expect(receiver.arrivals).toHaveLength(1);
  });

  test('sends on when the clock is set back', async () => {
    const { sink } = await start(() => 200);
    const clock = Date.now;
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    jest.spyOn(Date, 'now').mockImplementation(() => clock() - 3_600_000);
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test('waits for its turn no longer than the route does', async () => {
    const { sink } = await start(() => 200, { rateLimit: { requests: 1, per: '30s' } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    const controller = new AbortController();
    const outcome = sink.deliver([deliveryOf({})], controller.signal);
    controller.abort();
    await expect(outcome).rejects.toThrow(SinkUnavailable);
  });
});

/** Takes so many turns, each as soon as it may, from `now` on. */
function turns(limiter: RateLimiter, count: number, now: number): { count: number; end: number } {
  let time = now;
  for (let turn = 0; turn < count; turn += 1) {
    time += limiter.wait(time);
    limiter.take(time);
  }
  return { count, end: time };
}

async function start(
  reply: (count: number) => number | { status: number; headers: Record<string, string> },
  options: object = {},
) {
  const receiver = await startReceiver((_, count) => reply(count));
  open.push(receiver);
  const sink = await openWebhook({ url: receiver.url, proxy: 'none', ...options });
  open.push(sink);
  return { receiver, sink };
}
