import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { messages } from '../../src/common/messages.ts';
import type { DeliveryRecord } from '../../src/journal/operator-store.ts';
import type { RouteSession } from '../../src/journal/route-session.ts';
import { delivered, type Outcome, SinkUnavailable } from '../../src/sinks/sink.ts';
import { notification } from '../support/notification.ts';
import { startTestRoute, type TestRoute } from '../support/route.ts';
import { runs } from '../support/runs.ts';
import { until } from '../support/until.ts';

let tested: TestRoute | undefined;

afterEach(async () => {
  jest.restoreAllMocks();
  await tested?.close();
  tested = undefined;
});

const busy: Outcome = { status: 'retry', reason: 'busy' };
const hour = 3_600_000;
const hourly = { schedule: [hour, hour], maxWait: 0 };

describe('a waiting delivery that an operator makes due', () => {
  test('goes out at once, and its tries go on counting', async () => {
    const [route, [id]] = await waiting({ retry: hourly }, 'a');
    await route.store.hasten(await waitingRecords(route));
    await until(() => route.lines()[0]?.attempts.length === 2, { what: 'the second try', timeout: 3_000 });
    expect(route.lines()[0]).toMatchObject({
      state: 'waiting',
      attempts: [{ outcome: 'retry' }, { outcome: 'retry' }],
    });
    expect(route.lines()[0]?.due_at).toBeGreaterThan(Date.now() + 60_000);
    await route.store.hasten(await waitingRecords(route));
    await until(() => route.lines()[0]?.state === 'dead', { what: 'the end of its tries' });
    expect(route.lines()).toMatchObject([{ id, reason: 'gave up after 3 tries: busy' }]);
  });

  test('waits for its turn all the same where an earlier one of its account waits', async () => {
    const [route, ids] = await waiting({ order: 'account', retry: hourly }, 'a', 'a', 'a');
    route.answer = () => delivered;
    expect(await route.store.hasten((await waitingRecords(route)).slice(1))).toBe(0);
    expect(await route.store.hasten(await waitingRecords(route))).toBe(1);
    await route.settled();
    expect(route.confirmed).toEqual(ids);
  });

  test('waits for its turn also after a restart', async () => {
    const [route, [first, second]] = await waiting({ retry: hourly }, 'a', 'a');
    route.answer = () => delivered;
    await route.restart({ order: 'account' });
    await route.store.hasten((await waitingRecords(route)).slice(1));
    await until(() => route.lines()[1]?.due_at === null, { what: 'it to stand behind the first' });
    await route.store.hasten(await waitingRecords(route));
    await route.settled();
    expect(route.confirmed).toEqual([first, second]);
  });
});

describe('a waiting delivery that an operator drops', () => {
  test('is not tried any more', async () => {
    const [route, [dropped, kept]] = await waiting({ retry: hourly }, 'a', 'b');
    expect(await route.store.drop((await waitingRecords(route)).slice(0, 1))).toBe(1);
    await deliverRest(route);
    expect(route.confirmed).toContain(kept);
    expect(route.confirmed).not.toContain(dropped);
  });

  test.each(['before', 'after'])(
    'does not come back when a try that is on its way fails %s the route knows',
    async (when) => {
      const [route, [id]] = await waiting({ retry: hourly }, 'a');
      const fail = await onItsWay(route);
      const known = changed(route);
      await route.store.drop(await waitingRecords(route));
      if (when === 'after') await known;
      fail(busy);
      await until(() => route.route.activity.inFlight === 0, { what: 'the end of the try' });
      await deliverRest(route);
      await route.restart();
      await deliverRest(route);
      expect(route.calls.flat().filter((called) => called === id)).toHaveLength(2);
    },
  );

  test('is not buried either when the try that is on its way says that it can never work', async () => {
    const [route] = await waiting({ retry: hourly }, 'a');
    const fail = await onItsWay(route);
    await route.store.drop(await waitingRecords(route));
    fail({ status: 'dead', reason: 'bad' });
    await until(() => route.route.activity.inFlight === 0, { what: 'the end of the try' });
    await route.settled();
    expect(route.lines()).toEqual([]);
  });

  test('may still be delivered when it is on its way', async () => {
    const [route, [id]] = await waiting({ retry: hourly }, 'a');
    const end = await onItsWay(route);
    const known = changed(route);
    await route.store.drop(await waitingRecords(route));
    await known;
    end(delivered);
    await route.settled();
    expect(route.confirmed).toEqual([id]);
  });

  test('does not come back where a crash has left the cursor before it', async () => {
    const [route, [dropped, kept]] = await waiting({ retry: hourly }, 'a', 'b');
    await route.route.stop(AbortSignal.abort());
    route.rewind();
    await route.store.drop((await waitingRecords(route)).slice(0, 1));
    await route.restart();
    await deliverRest(route);
    expect(route.confirmed).toContain(kept);
    expect(route.confirmed).not.toContain(dropped);
  });

  test('comes again where it is replayed, also when its route has been started meanwhile', async () => {
    const [route, [id = '']] = await waiting({ retry: hourly }, 'a');
    await route.route.stop(AbortSignal.abort());
    route.rewind();
    await route.store.drop(await waitingRecords(route));
    await route.restart();
    await route.settled();
    const entry = await route.store.entry(id);
    route.answer = () => delivered;
    expect(await route.store.replay('tested', entry === null ? [] : [entry])).toBe(1);
    await route.settled();
    expect(route.confirmed).toEqual([id]);
  });

  test('is new to a route of that name once the former one is forgotten', async () => {
    const [route, ids] = await waiting({ retry: hourly }, 'a');
    await route.route.stop(AbortSignal.abort());
    route.rewind();
    await route.store.drop(await waitingRecords(route));
    await route.store.forget('tested');
    route.answer = () => delivered;
    await route.restart({ start: 'earliest' });
    await route.settled();
    expect(route.confirmed).toEqual(ids);
  });

  test('leaves the memory of a route whose sink is away', async () => {
    const [route, ids] = await waiting({ retry: hourly }, 'a', 'b', 'c');
    route.answer = () => {
      throw new SinkUnavailable('away');
    };
    await route.store.hasten(await waitingRecords(route));
    await until(() => route.route.activity.circuit === 'open', { what: 'the circuit to open' });
    const [first = '', ...others] = ids;
    const known = changed(route);
    await route.store.drop((await waitingRecords(route)).filter((record) => record.id !== first));
    await known;
    route.answer = () => delivered;
    await route.settled();
    expect(route.confirmed).toEqual([first]);
    expect(others).toHaveLength(2);
  });

  test('does not come back either when its try finds the sink away', async () => {
    const [route, [id]] = await waiting({ retry: hourly }, 'a');
    const end = await onItsWay(route);
    const known = changed(route);
    await route.store.drop(await waitingRecords(route));
    await known;
    end(Promise.reject(new SinkUnavailable('away')));
    await until(() => route.route.activity.circuit !== 'closed', { what: 'the circuit to open' });
    await deliverRest(route);
    expect(route.calls.flat().filter((called) => called === id)).toHaveLength(2);
  });

  test('does not go out where an attempt ends while the route looks for it', async () => {
    const flow = { batch: { max: 1, linger: 0 }, concurrency: 1 };
    const route = await startTestRoute({ flow });
    tested = route;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    route.answer = () => promise;
    const [first] = await route.append('a', 'b', 'b', 'b');
    await until(() => route.calls.length === 1, { what: 'the first to be with the sink' });
    const { session } = route;
    const look = session.erasedAmong.bind(session);
    jest.spyOn(session, 'erasedAmong').mockImplementation(async (seqs) => {
      resolve(delivered);
      await new Promise(setImmediate);
      return look(seqs);
    });
    await route.store.erase('b', false);
    const [last] = await route.append('a');
    await route.settled();
    expect(route.confirmed).toEqual([first, last]);
  });

  test('is delivered all the same when it is replayed while its last try is on its way', async () => {
    const [route, [id]] = await waiting({ retry: hourly }, 'a');
    const fail = await onItsWay(route);
    const known = changed(route);
    const [record] = await waitingRecords(route);
    await route.store.drop(record === undefined ? [] : [record]);
    await known;
    const entry = await route.store.entry(id ?? '');
    expect(await route.store.replay('tested', entry === null ? [] : [entry])).toBe(1);
    route.answer = () => delivered;
    fail(busy);
    await route.settled();
    expect(route.confirmed).toEqual([id]);
  });
});

describe('a route that an operator pauses', () => {
  test('starts no attempt until it is resumed, also across a restart; what is on its way ends', async () => {
    // One is with the sink, and the other in memory.
    const one = { batch: { max: 1, linger: 0 }, concurrency: 1 };
    const [route, [first, second]] = await waiting({ retry: hourly, flow: one }, 'a', 'b');
    const end = await onItsWay(route);
    await paused(route);
    const later = [second, ...(await route.append('a', 'b'))];
    end(delivered);
    await until(() => route.lines().length === 1, { what: 'the end of what was on its way' });
    expect(route.confirmed).toEqual([first]);
    await route.restart();
    expect(route.route.activity).toMatchObject({ inFlight: 0, paused: { who: 'tester' } });
    const before = route.calls.length;
    // A loop that has had many turns, in which it has read nothing.
    for (let turn = 0; turn < 20; turn += 1) await route.append('c');
    expect(route.calls).toHaveLength(before);
    expect(route.logged.join('')).toContain(messages.paused);
    route.answer = () => delivered;
    await route.store.resume('tested');
    await route.settled();
    expect(route.confirmed).toEqual(expect.arrayContaining(later));
    expect(route.confirmed).toHaveLength(24);
    expect(route.logged.join('')).toContain(messages.resumed);
  });

  test('sleeps, whatever is due meanwhile', async () => {
    const [route] = await waiting({ retry: hourly }, 'a');
    await paused(route);
    const looks = jest.spyOn(Object.getPrototypeOf(route.session) as RouteSession, 'due');
    const known = changed(route);
    await route.store.hasten(await waitingRecords(route));
    await known;
    expect(looks).not.toHaveBeenCalled();
  });

  test('lets go at once of what is dropped meanwhile, so that it can not go out when it is resumed', async () => {
    const [route, [first = '', second = '']] = await waiting({ retry: hourly }, 'a', 'b');
    route.answer = () => {
      throw new SinkUnavailable('away');
    };
    await route.store.hasten(await waitingRecords(route));
    await until(() => route.route.activity.circuit === 'open', { what: 'the circuit to open' });
    await paused(route);
    const looks = jest.spyOn(Object.getPrototypeOf(route.session) as RouteSession, 'waitingAmong');
    const known = changed(route);
    await route.store.drop((await waitingRecords(route)).filter(({ id }) => id === second));
    await known;
    expect(looks).toHaveBeenCalled();
    route.answer = () => delivered;
    await route.store.resume('tested');
    await route.settled();
    expect(route.confirmed).toEqual([first]);
  });

  test('probes no sink that is away, also where an operator has it tried now', async () => {
    tested = await startTestRoute({ circuit: { failures: 1, maxPause: 60_000 } });
    const route = tested;
    route.answer = () => {
      throw new SinkUnavailable('away', { probeAfter: hour });
    };
    await route.append('a');
    await until(() => route.route.activity.circuit === 'open', { what: 'the circuit to open' });
    await paused(route);
    expect(route.route.tryNow()).toBe(false);
    route.answer = () => delivered;
    const known = changed(route);
    await route.store.resume('tested');
    await known;
    expect(route.route.tryNow()).toBe(true);
    await route.settled();
    expect(route.calls).toHaveLength(2);
  });
});

describe('a route that is forgotten', () => {
  test('leaves nothing, though its last progress was not written yet when it ended', async () => {
    tested = await startTestRoute();
    await tested.append('a');
    await tested.settled();
    await tested.route.stop(AbortSignal.abort());
    const line = {
      seq: 1,
      event: null,
      accountId: 'a',
      reason: 'busy',
      attempts: [],
      dueAt: Date.now(),
      exists: false,
    };
    void tested.session.settle({ cursor: 1, recorded: [{ ...line, state: 'waiting' }], settled: [], delivered: [] });
    await tested.session.close();
    await tested.journal.releaseRoute('tested');
    await tested.store.forget('tested');
    await tested.restart({ start: 'now' });
    expect(tested.lines()).toEqual([]);
  });
});

describe('the next one of an account', () => {
  test.each(['while it runs', 'after a restart'])('goes on when the first is dropped, %s', async (when) => {
    const [route, ids] = await waiting({ order: 'account', retry: hourly }, 'a', 'a', 'a');
    if (when === 'after a restart') await route.restart();
    route.answer = () => delivered;
    await route.store.drop((await waitingRecords(route)).slice(0, 1));
    await route.settled();
    expect(route.confirmed).toEqual(ids.slice(1));
    const [last] = await route.append('a');
    await route.settled();
    expect(route.confirmed).toEqual([...ids.slice(1), last]);
  });

  test('goes on when the first is dropped where no route runs', async () => {
    const [route, ids] = await waiting({ order: 'account', retry: hourly }, 'a', 'a');
    route.answer = () => delivered;
    await route.route.stop(AbortSignal.abort());
    await route.store.drop((await waitingRecords(route)).slice(0, 1));
    await route.restart();
    await route.settled();
    expect(route.confirmed).toEqual(ids.slice(1));
  });

  test('goes on when the first is dropped while the route starts', async () => {
    const [route, ids] = await waiting({ order: 'account', retry: hourly }, 'a', 'a');
    route.answer = () => delivered;
    const sessions: RouteSession = Object.getPrototypeOf(route.session);
    const { handledBeyondCursor } = sessions;
    jest.spyOn(sessions, 'handledBeyondCursor').mockImplementation(async function (this: RouteSession) {
      await route.store.drop((await waitingRecords(route)).slice(0, 1));
      return handledBeyondCursor.apply(this);
    });
    await route.restart();
    await route.settled();
    expect(route.confirmed).toEqual(ids.slice(1));
  });

  test.each(['before', 'after'])('goes on when the first fails %s the route knows that it is dropped', async (when) => {
    const [route, ids] = await waiting({ order: 'account', retry: hourly }, 'a', 'a', 'a');
    const fail = await onItsWay(route);
    const known = changed(route);
    await route.store.drop((await waitingRecords(route)).slice(0, 1));
    if (when === 'after') await known;
    route.answer = () => delivered;
    fail(busy);
    await route.settled();
    expect(route.confirmed).toEqual(ids.slice(1));
  });

  test('is the postponed one, also where its time comes while an earlier one is tried again', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const route = await startTestRoute({ order: 'account', retry: hourly });
    tested = route;
    const answers: Outcome[] = [{ status: 'dead', reason: 'bad' }, busy];
    route.answer = () => answers.shift() ?? delivered;
    const [first, second] = await route.append('a', 'a');
    await until(
      () =>
        route
          .lines()
          .map(({ state }) => state)
          .join() === 'dead,waiting',
      { what: 'both to fail' },
    );
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    route.answer = ({ header: { id } }) => (id === first ? promise : delivered);
    await route.store.retry(await route.store.records({ states: ['dead'] }, 0, 1));
    await until(() => route.route.activity.inFlight === 1, { what: 'the try of the first' });
    await route.store.hasten(await waitingRecords(route));
    await until(() => route.lines()[1]?.due_at === null, { what: 'the second to stand behind it' });
    resolve(delivered);
    await route.settled();
    expect(route.confirmed).toEqual([first, second]);
  });

  test.each([
    ['fails', busy],
    ['is delivered', delivered],
  ])('is the older one that was dead and is tried again while a later one is on its way, which %s', async (_, end) => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const route = await startTestRoute({ order: 'account', retry: hourly });
    tested = route;
    route.answer = () => ({ status: 'dead', reason: 'bad' });
    const older = await route.append('a', 'a');
    await until(() => route.lines().length === 2, { what: 'both to be dead' });
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const later: string[] = [];
    route.answer = ({ header: { id } }) => (id === later[0] ? promise : delivered);
    later.push(...(await route.append('a')));
    await until(() => route.route.activity.inFlight === 1, { what: 'the later one to be on its way' });
    later.push(...(await route.append('a', 'a')));
    await route.store.retry(await route.store.records({ states: ['dead'] }, 0, 2));
    await until(() => route.lines().every(({ due_at }) => due_at === null), { what: 'both to stand behind it' });
    resolve(end);
    await until(() => route.confirmed.length === (end === busy ? 2 : 5), { what: 'the older ones' });
    route.answer = () => delivered;
    await route.store.hasten(await waitingRecords(route));
    await route.settled();
    const [first, ...others] = later;
    expect(route.confirmed).toEqual(end === busy ? [...older, ...later] : [first, ...older, ...others]);
  });

  test('is the one after those that were dropped from the middle', async () => {
    const [route, ids] = await waiting({ order: 'account', retry: hourly }, 'a', 'a', 'a', 'b');
    route.answer = () => delivered;
    await route.store.drop((await waitingRecords(route)).filter(({ id }) => id === ids[1]));
    await route.store.hasten(await waitingRecords(route));
    await route.settled();
    expect(route.confirmed.toSorted()).toEqual([ids[0], ids[2], ids[3]].toSorted());
  });
});

describe('whatever an operator drops, makes due and tries again', () => {
  const outcomes = fc.array(fc.constantFrom('delivered', 'retry', 'retry', 'away', 'dead', 'unavailable'), {
    minLength: 1,
    maxLength: 40,
  });
  const accounts = fc.array(fc.constantFrom('a', 'b', null), { minLength: 5, maxLength: 15 });
  const choices = fc.array(fc.constantFrom('drop', 'hasten', 'leave', 'retry'), { minLength: 1, maxLength: 60 });

  test.each(['none', 'account'] as const)('all else is delivered once, or dead, with order %s', async (order) => {
    await fc.assert(
      fc.asyncProperty(outcomes, accounts, choices, async (sequence, wanted, decisions) => {
        await using route = await startTestRoute({
          order,
          retry: { schedule: [hour, 1, hour], maxWait: 0 },
          circuit: { failures: 3, maxPause: 2 },
        });
        let turn = 0;
        route.answer = async (): Promise<Outcome> => {
          const outcome = sequence[turn++ % (sequence.length + 1)] ?? 'delivered';
          await new Promise(setImmediate);
          if (outcome === 'unavailable') throw new SinkUnavailable('away');
          if (outcome === 'dead') return { status: outcome, reason: outcome };
          return outcome === 'delivered' ? delivered : { status: 'retry', reason: outcome, away: outcome === 'away' };
        };
        const batch = wanted.map((accountId) => notification({ accountId }));
        await route.journal.append(batch);
        const dropped: string[] = [];
        const revived = new Set<string>();
        let round = 0;
        const decide = async (record: DeliveryRecord): Promise<void> => {
          const decision = decisions[round++] ?? 'hasten';
          if (decision === 'hasten') await route.store.hasten([record]);
          if (decision === 'retry' && (await route.store.retry([record])) === 1) revived.add(record.id);
          if (decision === 'drop' && (await route.store.drop([record])) === 1) dropped.push(record.id);
        };
        const isSettled = async () => {
          const [{ cursor, waiting } = {}] = (await route.journal.summary()).routes;
          return cursor === batch.length && waiting === 0;
        };
        await until(
          async () => {
            const records = await route.store.records({ states: ['waiting', 'dead'] }, 0, 100);
            for (const record of records) await decide(record);
            return isSettled();
          },
          { what: 'everything to be settled', interval: 10, timeout: 60_000 },
        );
        const dead = route.lines().map(({ id }) => id);
        expect(new Set([...route.confirmed, ...dead, ...dropped])).toEqual(
          new Set(batch.map(({ header }) => header.id)),
        );
        expect(new Set(route.confirmed).size).toBe(route.confirmed.length);
        for (const account of order === 'none' ? [] : ['a', 'b']) {
          const ids = batch.filter(({ header: { accountId } }) => accountId === account).map(({ header }) => header.id);
          const confirmed = route.confirmed.filter((id) => ids.includes(id));
          // What was dead had been passed by others already.
          const inOrder = confirmed.filter((id) => !revived.has(id));
          expect(inOrder).toEqual(ids.filter((id) => inOrder.includes(id)));
        }
      }),
      runs(6),
    );
  });
});

/** A route with one notification for each account; they have failed once, or stand behind one that has. */
async function waiting(
  options: Parameters<typeof startTestRoute>[0],
  ...accounts: string[]
): Promise<[TestRoute, string[]]> {
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  const route = await startTestRoute(options);
  tested = route;
  route.answer = () => busy;
  const ids = await route.append(...accounts);
  await until(() => route.lines().length === ids.length, { what: 'all of them to wait' });
  return [route, ids];
}

function waitingRecords({ store }: TestRoute): Promise<DeliveryRecord[]> {
  return store.records({ states: ['waiting'] }, 0, 100);
}

/** Resolves when the next try of all that wait is with the sink; returns how to end it. */
async function onItsWay(route: TestRoute): Promise<(outcome: Outcome | Promise<Outcome>) => void> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  route.answer = () => promise;
  await route.store.hasten(await waitingRecords(route));
  await until(() => route.route.activity.inFlight > 0, { what: 'the try' });
  return resolve;
}

/** Resolves when the route knows that it is paused. */
async function paused(route: TestRoute): Promise<void> {
  const known = changed(route);
  await route.store.pause('tested');
  await known;
}

/** Resolves when the route has looked at what was changed after this. */
async function changed({ journal }: TestRoute): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = journal.subscribe((change) => {
    if (change === 'records') resolve();
  });
  await promise;
  unsubscribe();
  await new Promise(setImmediate);
}

/** Lets all that still waits be delivered, as if its time had come. */
async function deliverRest(route: TestRoute): Promise<void> {
  route.answer = () => delivered;
  const clock = Date.now();
  const ahead = jest.spyOn(Date, 'now').mockReturnValue(clock + 10 * hour);
  await route.append('z');
  await route.settled();
  ahead.mockRestore();
}
