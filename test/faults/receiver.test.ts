import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { openForTest } from '../support/open-for-test.ts';
import { type Arrival, type Reply, startReceiver } from '../support/receiver.ts';
import { startTestRoute, type TestRoute } from '../support/route.ts';
import { until } from '../support/until.ts';

const { webhook, open } = openForTest();

/** How many come before the fault, while it lasts, and after it. */
const some = 40;

describe('a receiver has each notification once', () => {
  test('after it has refused connections', async () => {
    let up = await receiving();
    const { port } = up;
    await using tested = await routeTo(port);
    const ids = await tested.append(...Array(some).fill('a'));
    await tested.settled();
    const before = up.taken;
    await up.close();
    ids.push(...(await tested.append(...Array(some).fill('a'))));
    await until(() => tested.route.activity.circuit !== 'closed', { what: 'the circuit to open' });
    up = await receiving(undefined, port);
    ids.push(...(await tested.append(...Array(some).fill('a'))));
    await tested.settled();
    await up.close();
    expect([...before, ...up.taken].toSorted()).toEqual(ids.toSorted());
    expect(tested.lines()).toEqual([]);
  });

  test('after it has answered nothing', async () => {
    let hangs = false;
    const up = await receiving(() => (hangs ? new Promise<Reply>(() => undefined) : 200));
    // More than an answer ever takes: one that is given up on is delivered again, though it was taken.
    await using tested = await routeTo(up.port, { timeout: { total: '3s' } });
    const ids = await tested.append(...Array(some).fill('a'));
    await tested.settled();
    hangs = true;
    ids.push(...(await tested.append(...Array(some).fill('a'))));
    await until(() => tested.route.activity.circuit !== 'closed', { what: 'the circuit to open' });
    hangs = false;
    ids.push(...(await tested.append(...Array(some).fill('a'))));
    await tested.settled();
    await up.close();
    expect(up.taken.toSorted()).toEqual(ids.toSorted());
    expect(tested.lines()).toEqual([]);
  });

  test.each<[what: string, reply: (arrival: Arrival, count: number) => Reply | Promise<Reply>]>([
    ['though it answers slowly', () => delay(50 + Math.random() * 100, 200)],
    ['though it fails half of the time', everySecond()],
  ])('%s', async (_what, reply) => {
    const up = await receiving(reply);
    await using tested = await routeTo(up.port);
    const ids = await tested.append(...Array(3 * some).fill('a'));
    await tested.settled();
    await up.close();
    expect(up.taken.toSorted()).toEqual(ids.toSorted());
    expect(tested.lines()).toEqual([]);
  });

  test('but for the one at which it always fails', async () => {
    let odd: string | undefined;
    const up = await receiving(({ body }) => (JSON.parse(body).id === odd ? 500 : 200));
    await using tested = await routeTo(up.port);
    const appended = tested.append(...Array(some).fill('a'), 'odd', ...Array(some).fill('a'));
    odd = (await appended)[some];
    const ids = await appended;
    await tested.settled();
    await until(() => tested.lines().length > 0, { what: 'the dead letter' });
    await up.close();
    expect(up.taken.toSorted()).toEqual(ids.filter((id) => id !== odd).toSorted());
    expect(tested.lines()).toMatchObject([{ id: odd, state: 'dead', attempts: { length: 7 } }]);
  });

  test('or more than once, where its process was killed in the middle; none is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-receiver-'));
    open.push({ close: async () => rmSync(folder, { recursive: true }) });
    const free = await startReceiver();
    await free.close();
    const file = join(folder, 'ids');
    let receiver = await startProcess(free.port, file);
    open.push({ close: () => killed(receiver) });
    await using tested = await routeTo(free.port);
    const ids: string[] = [];
    for (let kill = 0; kill < 3; kill += 1) {
      const before = ids.length;
      ids.push(...(await tested.append(...Array(10 * some).fill('a'))));
      await until(() => taken(file).length > before, { what: 'the first of them', interval: 1 });
      await killed(receiver);
      receiver = await startProcess(free.port, file);
    }
    await tested.settled();
    expect([...new Set(taken(file))].toSorted()).toEqual(ids.toSorted());
    expect(tested.lines()).toEqual([]);
  });
});

async function routeTo(port: number, options: object = {}): Promise<TestRoute> {
  const sink = await webhook({ url: `http://127.0.0.1:${port}/`, ...options });
  return startTestRoute(
    {
      flow: { batch: { max: 1, linger: 0 }, concurrency: 8 },
      retry: { schedule: [20, 20, 20, 20, 20, 20], maxWait: 0 },
      circuit: { failures: 5, maxPause: 100 },
    },
    { deliver: (batch, signal) => sink.deliver(batch, signal) },
  );
}

/** Fails at the first request of each notification. */
function everySecond(): (arrival: Arrival) => Reply {
  const failed = new Set<string>();
  return ({ body }) => {
    const { id } = JSON.parse(body);
    if (failed.has(id)) return 200;
    failed.add(id);
    return 500;
  };
}

/** A receiver that keeps the ids of what it has taken: what it has answered with 200. */
async function receiving(
  reply: (arrival: Arrival, count: number) => Reply | Promise<Reply> = () => 200,
  port = 0,
): Promise<{ readonly port: number; readonly taken: string[]; close(): Promise<void> }> {
  const taken: string[] = [];
  const receiver = await startReceiver(
    async (arrival, count) => {
      const answer = await reply(arrival, count);
      if (answer === 200) taken.push(JSON.parse(arrival.body).id);
      return answer;
    },
    { port },
  );
  return { port: receiver.port, taken, close: () => receiver.close() };
}

async function startProcess(port: number, file: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['test/support/counting-receiver.ts', String(port), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** The ids on whole lines. */
function taken(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}
