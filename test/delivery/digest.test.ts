import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { DigestOptions } from '../../src/delivery/digest.ts';
import { delivered, type Outcome, type Sink, SinkUnavailable } from '../../src/sinks/sink.ts';
import { notification } from '../support/notification.ts';
import { type routeOptions, startTestRoute, type TestRoute } from '../support/route.ts';
import { until } from '../support/until.ts';

const minute = 60_000;
const at = (time: string) => Date.parse(`2026-11-24T${time}Z`);

let now = 0;
let tested: TestRoute | undefined;
/** The ids of each message, oldest first, and what the sink says to the next one. */
let messages: string[][] = [];
let answer: (ids: readonly string[]) => Outcome = () => delivered;

beforeEach(() => {
  now = at('14:03:00');
  messages = [];
  answer = () => delivered;
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  // A pause between tries is as long as it may be.
  jest.spyOn(Math, 'random').mockReturnValue(1);
});

afterEach(async () => {
  await tested?.close();
  tested = undefined;
  jest.restoreAllMocks();
});

const sink: Partial<Sink> = {
  async deliverDigest(batch) {
    const ids = batch.map(({ header }) => header.id);
    messages.push(ids);
    const outcome = answer(ids);
    return batch.map(() => outcome);
  },
};

async function start(digest: Partial<DigestOptions> = {}, changed: Partial<typeof routeOptions> = {}) {
  const options = { digest: { every: 15 * minute, per: 'account', ...digest } as const, ...changed };
  tested = await startTestRoute(options, sink);
  return tested;
}

/** What comes in now, of these accounts. */
async function arrive(route: TestRoute, ...accounts: (string | null)[]): Promise<string[]> {
  const batch = accounts.map((accountId) => notification({ accountId, receivedAt: now }));
  await route.journal.append(batch);
  return batch.map(({ header }) => header.id);
}

/** The clock moves on; whatever comes next wakes the route. */
async function atTime(route: TestRoute, time: string): Promise<string[]> {
  now = at(time);
  return arrive(route, 'later');
}

const waiting = (route: TestRoute, count: number) =>
  until(() => route.lines().filter(({ state }) => state === 'waiting').length === count, { what: `${count} to wait` });
const sent = (count: number) => until(() => messages.length === count, { what: `${count} messages` });

describe('a digest', () => {
  test('tells of all that has come of an account in the period that is over, and by itself of what has none', async () => {
    const route = await start();
    const [one, two, other, none] = await arrive(route, 'a', 'a', 'b', null);
    await waiting(route, 4);
    now = at('14:14:59');
    const [last] = await arrive(route, 'a');
    await waiting(route, 5);
    for (const line of route.lines())
      expect(line).toMatchObject({ reason: 'waits for the digest of 14:15 UTC', attempts: [], due_at: at('14:15:01') });
    expect(route.route.activity.cursor).toBe(5);
    expect(messages).toEqual([]);
    const [later] = await atTime(route, '14:15:01');
    await sent(3);
    expect(messages).toEqual([[one, two, last], [other], [none]]);
    await waiting(route, 1);
    expect(route.lines()).toMatchObject([{ id: later, due_at: at('14:30:01') }]);
  });

  test('is one for all accounts where the route wants that', async () => {
    const route = await start({ per: 'route' });
    const ids = await arrive(route, 'a', 'b', null);
    await waiting(route, 3);
    await atTime(route, '14:15:01');
    await sent(1);
    expect(messages).toEqual([ids]);
  });

  test('goes out once and complete though the daemon crashes before it, and after it', async () => {
    const route = await start();
    const ids = await arrive(route, 'a', 'a');
    await waiting(route, 2);
    await route.crash();
    ids.push(...(await arrive(route, 'a')));
    await waiting(route, 3);
    await atTime(route, '14:15:01');
    await sent(1);
    await waiting(route, 1);
    await route.crash();
    const [later] = await arrive(route, 'later');
    await waiting(route, 2);
    await atTime(route, '14:30:01');
    await sent(2);
    expect(messages).toMatchObject([ids, [expect.any(String), later]]);
  });

  test('has what came in an outage of hours as one message, however many periods that was', async () => {
    const route = await start();
    await route.store.pause('tested');
    await until(() => route.route.activity.paused !== null, { what: 'the pause' });
    const ids: string[] = [];
    for (const hour of ['15', '16', '17']) {
      now = at(`${hour}:00:00`);
      for (let page = 0; page < 3; page += 1) ids.push(...(await arrive(route, ...Array(100).fill('a'))));
    }
    now = at('20:00:00');
    await route.store.resume('tested');
    await sent(1);
    expect(messages).toEqual([ids]);
  });

  test('is made of a backlog that is recorded page by page: no more than one is in memory', async () => {
    const route = await start();
    await route.store.pause('tested');
    await until(() => route.route.activity.paused !== null, { what: 'the pause' });
    const ids = await arrive(route, ...Array(900).fill('a'));
    ids.push(...(await arrive(route, ...Array(1_100).fill('b'))));
    const { session } = route;
    const read = session.read.bind(session);
    const unsaved: number[] = [];
    jest.spyOn(session, 'read').mockImplementation(async (seq, ...rest) => {
      unsaved.push(seq - route.lines().length);
      return read(seq, ...rest);
    });
    await route.store.resume('tested');
    await waiting(route, 2_000);
    expect(unsaved.length).toBeGreaterThan(3);
    expect(Math.max(...unsaved)).toBe(0);
    now = at('14:15:01');
    await arrive(route, 'later');
    await sent(3);
    expect(messages.flat()).toEqual(ids);
  });

  test('is cut at a thousand, and the rest is the next message', async () => {
    const route = await start();
    const ids = await arrive(route, ...Array(1_001).fill('a'));
    await waiting(route, 1_001);
    await atTime(route, '14:15:01');
    await sent(2);
    expect(messages).toEqual([ids.slice(0, 1_000), ids.slice(1_000)]);
  });

  test('has all of its account, however many are due of others in between', async () => {
    const route = await start();
    const ids = await arrive(route, ...Array.from({ length: 600 }, () => ['a', 'b']).flat());
    await waiting(route, 1_200);
    await atTime(route, '14:15:01');
    await sent(2);
    expect(messages).toEqual([0, 1].map((half) => ids.filter((_, index) => index % 2 === half)));
  });

  test('that fails is tried again as one, and is dead as many when its tries are used up', async () => {
    const route = await start({}, { retry: { schedule: [10 * minute], maxWait: 0 } });
    let chance = 0;
    jest.spyOn(Math, 'random').mockImplementation(() => (chance += 0.1));
    answer = () => ({ status: 'retry', reason: 'busy' });
    const ids = await arrive(route, 'a', 'a', 'a');
    await waiting(route, 3);
    await atTime(route, '14:15:01');
    await sent(1);
    await until(() => route.lines()[0]?.reason === 'busy', { what: 'the failure to be recorded' });
    const lines = route.lines().slice(0, 3);
    expect(lines.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1]);
    expect(new Set(lines.map(({ due_at }) => due_at)).size).toBe(1);
    answer = () => ({ status: 'dead', reason: 'refused' });
    await atTime(route, '14:26:00');
    await sent(2);
    expect(messages).toEqual([ids, ids]);
    await until(() => route.lines().filter(({ state }) => state === 'dead').length === 3, { what: 'dead letters' });
  });

  test('uses up no try while the sink is away, and probes with a whole message', async () => {
    const route = await start();
    let isAway = true;
    answer = () => {
      if (isAway) throw new SinkUnavailable('away');
      return delivered;
    };
    const ids = await arrive(route, 'a', 'a');
    await waiting(route, 2);
    await atTime(route, '14:15:01');
    await until(() => route.route.activity.circuit !== 'closed', { what: 'the circuit to open' });
    isAway = false;
    await waiting(route, 1);
    expect(messages.at(-1)).toEqual(ids);
  });

  test('goes alone and at once where an operator retries one, and without what is dropped', async () => {
    const route = await start();
    const [hastened, dropped, left] = await arrive(route, 'a', 'a', 'a');
    await waiting(route, 3);
    const records = await route.store.records({ states: ['waiting'] }, 0, 10);
    const recordOf = (id: string | undefined) => records.filter((record) => record.id === id);
    await route.store.hasten(recordOf(hastened));
    await sent(1);
    await route.store.drop(recordOf(dropped));
    await atTime(route, '14:15:01');
    await sent(2);
    expect(messages).toEqual([[hastened], [left]]);
  });

  test('waits for its time over a reload that turns digests off, and takes in what waited when they are turned on', async () => {
    const route = await start();
    const ids = await arrive(route, 'a', 'a');
    await waiting(route, 2);
    const slow = { retry: { schedule: [60 * minute], maxWait: 0 } };
    await route.restart({ digest: undefined, ...slow });
    route.answer = () => ({ status: 'retry', reason: 'busy' });
    ids.push(...(await arrive(route, 'a')));
    await waiting(route, 3);
    expect(route.calls).toEqual([[ids[2]]]);
    await atTime(route, '14:15:01');
    await until(() => route.calls.length === 4, { what: 'each by itself' });
    await until(() => route.lines().every(({ reason }) => reason === 'busy'), { what: 'the failures to be recorded' });
    await route.restart(slow);
    await atTime(route, '16:00:00');
    await sent(2);
    expect(messages).toContainEqual(ids);
  });

  test('goes out at once where the clock was set back by more than a period', async () => {
    const route = await start();
    const ids = await arrive(route, 'a');
    await waiting(route, 1);
    await atTime(route, '10:00:00');
    await sent(1);
    expect(messages).toEqual([ids]);
  });
});
