import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { RouteSession } from '../../src/journal/route-session.ts';
import { bytesOf } from '../../src/notification/entry.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import { s3Sink } from '../../src/sinks/s3/sink.ts';
import { delivered, type Outcome, type Sink, SinkUnavailable } from '../../src/sinks/sink.ts';
import { fileStage } from '../support/file-stage.ts';
import { notification } from '../support/notification.ts';
import { startTestRoute, type TestRoute } from '../support/route.ts';
import { sinkOptions } from '../support/sink-options.ts';
import { until } from '../support/until.ts';

let tested: TestRoute | undefined;

afterEach(async () => {
  jest.restoreAllMocks();
  await tested?.close();
  tested = undefined;
});

describe('a slow delivery', () => {
  test('delays only itself: the cursor moves past it, and it is listed', async () => {
    tested = await startTestRoute();
    const { promise: released, resolve: release } = Promise.withResolvers<Outcome>();
    const [slow, ...others] = await tested.append('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    tested.answer = ({ header: { id } }) => (id === slow ? released : delivered);
    await until(() => tested?.confirmed.length === others.length, { what: 'all others' });
    await until(() => tested?.lines().length === 1, { what: 'the slow one to be listed' });
    expect(tested.lines()).toMatchObject([
      { id: slow, state: 'waiting', attempts: [], reason: 'on its way, or held back while the sink is away' },
    ]);
    expect(tested.route.activity).toMatchObject({ cursor: 8, inFlight: 1 });
    release(delivered);
    await tested.settled();
    expect(tested.calls).toHaveLength(8);
  });

  test('comes again after a stop that could not wait for it, and no other does', async () => {
    tested = await startTestRoute();
    const [slow, ...others] = await tested.append('a', 'b', 'c');
    tested.answer = ({ header: { id } }, signal) =>
      id === slow
        ? new Promise<Outcome>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        : delivered;
    await until(() => tested?.confirmed.length === others.length, { what: 'all others' });
    tested.answer = () => delivered;
    await tested.restart({}, AbortSignal.abort());
    await tested.settled();
    expect(tested.confirmed.toSorted()).toEqual([...others, slow].toSorted());
  });
});

describe('a sink that says again what it was sent', () => {
  const value = { key: 'geheim "1"', more: [{ pin: 4711471 }, 'x'] };
  const secrets = [{ path: ['hook'], value }];
  const json = JSON.stringify({ hook: '[redacted]' });
  const said = ({ json, envelope }: Delivery) =>
    `got ${json} and ${encodeURIComponent(JSON.stringify(envelope.data))} and pin=4711471 and geheim+%221%22`;
  const route = { reveal: ['hook'], retry: { schedule: [1], maxWait: 60_000 } };

  test.each<[string, (delivery: Delivery) => Outcome, string]>([
    ['refuses it', (delivery) => ({ status: 'dead', reason: said(delivery) }), 'dead'],
    ['fails again and again', (delivery) => ({ status: 'retry', reason: said(delivery) }), 'dead'],
    [
      'fails unexpectedly',
      (delivery) => {
        const cause = new TypeError(said(delivery));
        // Once it was looked at, its stack says what it said then, whatever becomes of the message.
        expect(cause.stack).toContain('geheim');
        throw new Error('broken', { cause });
      },
      'dead',
    ],
  ])('has no secret in the journal or the log where it %s', async (_what, answer, state) => {
    tested = await startTestRoute(route);
    const { journal, logged } = tested;
    tested.answer = (delivery) => {
      expect(delivery.envelope.data).toEqual({ hook: value });
      return answer(delivery);
    };
    await journal.append([notification({ json, secrets })]);
    await tested.settled();
    expect(tested.lines()).toMatchObject([{ state }]);
    const written = JSON.stringify([tested.lines(), logged]);
    expect(written).toMatch(/got |broken/);
    expect(written).not.toMatch(/geheim|4711471/);
  });

  test('has none in the circuit’s reason, whether an outcome or an error has opened it', async () => {
    for (const unavailable of [false, true]) {
      await using one = await startTestRoute({ ...route, circuit: { failures: 1, maxPause: 60_000 } });
      one.answer = (delivery) => {
        if (unavailable) throw new SinkUnavailable(said(delivery), { code: 'AWAY' });
        return { status: 'retry', reason: said(delivery), code: 'AWAY', away: true };
      };
      await one.journal.append([notification({ json, secrets })]);
      await until(() => one.route.activity.circuit === 'open', { what: 'the circuit to open' });
      const { trouble } = one.route.activity;
      expect(trouble).toMatchObject({ reason: expect.stringMatching(/^got /), code: 'AWAY' });
      expect(JSON.stringify([trouble, one.logged, one.lines()])).not.toMatch(/geheim|4711471/);
    }
  });

  test('says nothing of a batch with more secrets than can be looked for', async () => {
    tested = await startTestRoute(route);
    tested.answer = (delivery) => ({ status: 'dead', reason: said(delivery) });
    const many = Array.from({ length: 1_001 }, (_, index) => `geheim-${index}`);
    await tested.journal.append([notification({ json, secrets: [{ path: ['hook'], value: many }] })]);
    await tested.settled();
    expect(tested.lines()).toMatchObject([
      { state: 'dead', reason: 'the reason is withheld, because it may contain a secret' },
    ]);
  });
});

describe('of large bodies', () => {
  const size = 400_000;
  const s3 = { bucket: 'archive', accessKeyId: 'a', secretAccessKey: 'b' };
  const json = JSON.stringify({ filler: 'x'.repeat(size - 13) });
  const most = 8 * 1024 * 1024 + size;
  const large = (count: number, accounts = 1) =>
    Array.from({ length: count }, (_, index) => notification({ json, accountId: `a${index % accounts}` }));

  test.each([
    ['is', { batch: { max: 500, linger: 60_000 }, concurrency: 2 }],
    ['may be of 10,000, and waits a minute for them', s3Sink.limits(sinkOptions(s3Sink, s3))],
  ])(
    'a route holds half of what all may hold, also where a batch %s, which has no more than 4 MiB',
    async (_, flow) => {
      tested = await startTestRoute({ flow });
      const { journal, session, confirmed } = tested;
      let read = 0;
      let held = 0;
      const original = session.read.bind(session);
      jest.spyOn(session, 'read').mockImplementation(async (...args) => {
        const page = await original(...args);
        read += page.entries.length;
        held = Math.max(held, read - confirmed.length);
        return page;
      });
      await journal.append(large(100));
      // The last ones are left to linger: a batch of them may hold more.
      await until(() => confirmed.length >= 80, { what: 'most of them' });
      expect(held * size).toBeLessThanOrEqual(most);
      expect(Math.max(...tested.calls.map((ids) => ids.length * size))).toBeLessThanOrEqual(4 * 1024 * 1024);
      expect(Math.max(...tested.calls.map((ids) => ids.length))).toBeGreaterThan(5);
    },
  );

  test.each([
    ['none', 'large', large(20)],
    ['account', 'large', large(20, 3)],
    ['none', 'small', Array.from({ length: 20 }, () => notification({}))],
  ] as const)(
    'while others hold all, a route (order: %s) delivers %s ones one after the other',
    async (order, _, batch) => {
      tested = await startTestRoute({ order, flow: { batch: { max: 500, linger: 60_000 }, concurrency: 4 } });
      const { journal, session, memory, confirmed } = tested;
      const others = memory.open();
      others.take(memory.limit);
      let most = 0;
      const sizes: number[] = [];
      const read = session.read.bind(session);
      jest.spyOn(session, 'read').mockImplementation(async (...args) => {
        const page = await read(...args);
        sizes.push(page.entries.length);
        return page;
      });
      tested.answer = async () => {
        most = Math.max(most, memory.used - others.held);
        return delivered;
      };
      await journal.append(batch);
      await tested.settled();
      expect(confirmed).toEqual(batch.map(({ header }) => header.id));
      expect(Math.max(...sizes)).toBe(1);
      // The route has it, and the sink has it.
      expect(most).toBeLessThanOrEqual(2 * bytesOf(batch[0] ?? { json: '' }));
      const called = tested.calls.length;
      tested.answer = () => new Promise(() => undefined);
      await tested.append('a1');
      await until(() => (tested?.calls.length ?? 0) > called, { what: 'one to be with the sink' });
      expect(memory.used - others.held).toBeGreaterThan(0);
      await tested.route.stop(AbortSignal.abort());
      expect(memory.used - others.held).toBe(0);
    },
  );

  test('a sink says how much of them a batch may hold', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 500, linger: 60_000, size: 2 * size }, concurrency: 1 } });
    await tested.journal.append(large(20));
    await until(() => (tested?.confirmed.length ?? 0) >= 10, { what: 'half of them' });
    expect(Math.max(...tested.calls.map((ids) => ids.length))).toBe(2);
  });

  test('one that is larger than a batch may be goes out by itself', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 500, linger: 0 }, concurrency: 1 } });
    const huge = JSON.stringify({ filler: 'x'.repeat(9 * 1024 * 1024) });
    await tested.journal.append([notification({}), notification({ json: huge }), notification({})]);
    await tested.settled();
    expect(tested.calls.map((ids) => ids.length)).toEqual([1, 1, 1]);
  });

  test('a route that keeps an order fetches what waits of its accounts as it has room for it', async () => {
    const flow = { batch: { max: 20, linger: 0 }, concurrency: 1 };
    tested = await startTestRoute({ order: 'account', flow, circuit: { failures: 1_000, maxPause: 100 } });
    let isBusy = true;
    tested.answer = () => (isBusy ? { status: 'retry', reason: 'busy', notBefore: Date.now() + 3_600_000 } : delivered);
    await tested.journal.append(large(120, 30));
    await until(() => tested?.lines().length === 120, { what: 'all to wait' });
    isBusy = false;
    await tested.store.hasten(await tested.store.records({ states: ['waiting'] }, 0, 1_000));
    let read = 0;
    let held = 0;
    const { session, confirmed } = tested;
    const counted = (count: number) => {
      read += count;
      held = Math.max(held, read - confirmed.length);
    };
    const [due, waitingOf] = [session.due.bind(session), session.waitingOf.bind(session)];
    jest.spyOn(session, 'due').mockImplementation(async (...args) => {
      const page = await due(...args);
      counted(page.waiting.length);
      return page;
    });
    jest.spyOn(session, 'waitingOf').mockImplementation(async (...args) => {
      const waiting = await waitingOf(...args);
      counted(waiting.length);
      return waiting;
    });
    await tested.settled();
    expect(confirmed).toHaveLength(120);
    expect(held * size).toBeLessThanOrEqual(most);
  });
});

describe('a route that may be another daemon’s', () => {
  test('starts no attempt, though it has something ready and was not told to stop', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<Outcome>();
    tested = await startTestRoute({ flow: { batch: { max: 1, linger: 0 }, concurrency: 1 } });
    tested.answer = () => released;
    await tested.append('a', 'b', 'c');
    await until(() => tested?.calls.length === 1, { what: 'the first attempt' });
    // As a session finds of itself that shares its journal, after its daemon was stopped for long.
    const sessions: RouteSession = Object.getPrototypeOf(tested.session);
    jest.spyOn(sessions, 'lost', 'get').mockReturnValue(AbortSignal.abort());
    release(delivered);
    await until(() => tested?.route.activity.inFlight === 0, { what: 'its end' });
    expect(tested.calls).toHaveLength(1);
  });
});

describe('a route whose progress can’t be saved', () => {
  test('says so once, delivers no more of what a crash would repeat, and goes on as soon as it is saved', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 1, linger: 0 }, concurrency: 1 } });
    const { promise: interrupted, resolve: goOn } = Promise.withResolvers<void>();
    const { confirmed, route, session } = tested;
    tested.answer = () => (confirmed.length === 0 ? delivered : interrupted.then(() => delivered));
    tested.execute("CREATE TRIGGER broken BEFORE UPDATE ON routes BEGIN SELECT RAISE(ABORT, 'not now'); END");
    await tested.append('a', 'a', 'a', 'a', 'a');
    await until(() => route.activity.interrupted !== undefined, { what: 'the route to be interrupted' });
    expect(route.activity.interrupted).toMatch(/journal\.sqlite can't be written: not now/);
    goOn();
    const flush = jest.spyOn(session, 'flush');
    await until(() => flush.mock.calls.length === 2, { what: 'two tries to save it' });
    // The first, and the one that was with the sink.
    expect(confirmed).toHaveLength(2);
    tested.execute('DROP TRIGGER broken');
    await tested.settled();
    expect(confirmed).toHaveLength(5);
    expect(route.activity.interrupted).toBeUndefined();
    expect(tested.logged.filter((line) => line.includes('route interrupted'))).toHaveLength(1);
  });
});

describe('after a crash', () => {
  test.each(['none', 'account'] as const)(
    'nothing comes again that was settled behind a slow one, with order %s',
    async (order) => {
      tested = await startTestRoute({ order });
      // On a clock that stands still, a slow one is never listed.
      let now = Date.now();
      jest.spyOn(Date, 'now').mockImplementation(() => now);
      // Nor is one due at once that is tried again: a random pause may be none.
      jest.spyOn(Math, 'random').mockReturnValue(0.5);
      const told = jest.spyOn(tested.session, 'settle');
      const { promise: never } = Promise.withResolvers<Outcome>();
      const [slow, failing, ...others] = await tested.append('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
      tested.answer = ({ header: { id } }) => {
        if (id === slow) return never;
        return id === failing && tested?.calls.flat().filter((called) => called === id).length === 1
          ? { status: 'retry', reason: 'busy' }
          : delivered;
      };
      await until(() => tested?.confirmed.length === others.length, { what: 'all that succeed' });
      now += 50;
      await until(() => tested?.confirmed.length === others.length + 1, { what: 'the one that is tried again' });
      await until(() => told.mock.calls.at(-1)?.[0].ahead?.length === others.length + 1, { what: 'the route to tell' });
      await told.mock.results.at(-1)?.value;
      const before = tested.calls.length;
      tested.answer = () => delivered;
      await tested.crash();
      await tested.settled();
      expect(tested.calls.slice(before)).toEqual([[slow]]);
    },
  );
});

describe('after a power cut that has undone all progress', () => {
  test('a file has each line once, and one that was replayed as often as it was asked for', async () => {
    await using stage = fileStage();
    let sink = await stage.open();
    const deliver: Sink['deliver'] = (batch, signal) => sink.deliver(batch, signal);
    tested = await startTestRoute({ flow: { batch: { max: 3, linger: 0 }, concurrency: 1 } }, { deliver });
    const ids = await tested.append('a', 'b', 'c', 'd', 'e', 'f', 'g');
    await tested.settled();
    tested.rewind();
    sink = await stage.open();
    await tested.restart();
    const more = await tested.append('a', 'b');
    await tested.settled();
    expect(stage.ids()).toEqual([...ids, ...more]);
    const entry = await tested.store.entryAt(2);
    await tested.store.replay('tested', entry === null ? [] : [entry]);
    await until(() => stage.ids().length > ids.length + more.length, { what: 'the one that is replayed' });
    expect(stage.ids()).toEqual([...ids, ...more, ids[1]]);
  });
});

describe('after a crash that left its cursor behind', () => {
  test('a route leaves to the journal what it lists already', async () => {
    tested = await startTestRoute({ retry: { schedule: [3_600_000], maxWait: 0 } });
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const [first, dead, waiting] = await tested.append('a', 'b', 'c');
    tested.answer = ({ header: { id } }) => {
      if (id === first) return delivered;
      return id === dead ? { status: 'dead', reason: 'bad' } : { status: 'retry', reason: 'busy' };
    };
    await until(() => tested?.lines().length === 2, { what: 'two to be listed' });
    tested.answer = () => delivered;
    tested.rewind();
    await tested.restart();
    await until(() => tested?.confirmed.length === 2, { what: 'the first, once more' });
    const [next] = await tested.append('d');
    await until(() => tested?.confirmed.includes(next ?? ''), { what: 'what comes next' });
    expect(tested.confirmed).toEqual([first, first, next]);
    expect(tested.lines()).toMatchObject([
      { id: dead, state: 'dead' },
      { id: waiting, state: 'waiting', attempts: { length: 1 } },
    ]);
  });
});

describe('the flow of a route', () => {
  test('has no more batches with the sink than it says, and no larger ones', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 3, linger: 0 }, concurrency: 2 } });
    let most = 0;
    let now = 0;
    tested.answer = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
      return delivered;
    };
    await tested.append(...Array.from({ length: 50 }, () => 'a'));
    await tested.settled();
    expect(most).toBeLessThanOrEqual(6);
    expect(Math.max(...tested.calls.map((ids) => ids.length))).toBe(3);
  });

  test('lets a batch fill, for as long as it may linger', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 3, linger: 60_000 }, concurrency: 1 } });
    await tested.append('a');
    await tested.append('b');
    expect(tested.calls).toEqual([]);
    await tested.append('c');
    await tested.settled();
    expect(tested.calls).toHaveLength(1);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    'delivers what has lingered, whichever step the time of %d ms runs out in',
    async (linger) => {
      // Each look at the clock takes a millisecond.
      let now = performance.now();
      jest.spyOn(performance, 'now').mockImplementation(() => ++now);
      tested = await startTestRoute({ flow: { batch: { max: 3, linger }, concurrency: 1 } });
      await tested.append('a');
      await tested.settled();
      expect(tested.calls).toHaveLength(1);
    },
  );

  test('goes on from its cursor after a restart, and repeats nothing after a clean one', async () => {
    tested = await startTestRoute();
    const first = await tested.append('a', 'b', 'c');
    await tested.settled();
    await tested.restart();
    const second = await tested.append('d');
    await tested.settled();
    expect(tested.confirmed).toEqual([...first, ...second]);
  });

  test('quarantines what is invalid, and tells it apart', async () => {
    tested = await startTestRoute();
    const problems = [{ path: '/a', message: 'must be b', keyword: 'const' }];
    await tested.journal.append([notification({ state: 'invalid', problems }), notification({})]);
    await tested.settled();
    expect(tested.lines()).toMatchObject([{ state: 'quarantined', reason: 'invalid: /a must be b' }]);
    expect(tested.confirmed).toHaveLength(1);
  });
});

describe('a delivery that fails', () => {
  test('is tried again by the schedule, and becomes a dead letter with its attempts', async () => {
    tested = await startTestRoute();
    tested.answer = () => ({ status: 'retry', reason: 'no room', code: 507 });
    const [id] = await tested.append('a');
    await tested.settled();
    const [line] = tested.lines();
    expect(line).toMatchObject({ id, state: 'dead', reason: 'gave up after 3 tries: no room', due_at: null });
    expect(line?.attempts).toHaveLength(3);
    expect(line?.attempts[0]).toMatchObject({ outcome: 'retry', code: 507, reason: 'no room' });
    expect(line?.attempts[0]?.at).toBeGreaterThan(Date.now() - 60_000);
    expect(tested.logged.join('')).toContain('notifications became dead letters');
  });

  test.each([
    { order: 'none', batch: 1 },
    { order: 'account', batch: 1 },
    { order: 'none', batch: 10 },
  ] as const)('does not wait for the end of a backlog (order: $order, $batch at a time)', async ({ order, batch }) => {
    tested = await startTestRoute({
      order,
      retry: { schedule: [1], maxWait: 0 },
      flow: { batch: { max: batch, linger: 0 }, concurrency: 16 },
    });
    const backlog = Array.from({ length: 3_000 }, (_, index) => notification({ accountId: `account-${index}` }));
    const failing = backlog[0]?.header.id ?? '';
    let tries = 0;
    tested.answer = async ({ header: { id } }) => {
      await delay(Math.random() * 3);
      return id === failing && ++tries === 1 ? { status: 'retry', reason: 'busy' } : delivered;
    };
    await tested.journal.append(backlog);
    await tested.settled();
    expect(tested.confirmed).toHaveLength(backlog.length);
    expect(tested.confirmed.indexOf(failing)).toBeLessThan(2_000);
  });

  test('has its half of what goes out, where many fail before a backlog', async () => {
    tested = await startTestRoute({
      retry: { schedule: [1], maxWait: 0 },
      flow: { batch: { max: 1, linger: 0 }, concurrency: 16 },
    });
    const backlog = Array.from({ length: 3_000 }, () => notification({}));
    const failing = new Set(backlog.slice(0, 200).map(({ header }) => header.id));
    const unsettled = new Set(failing);
    tested.answer = async ({ header: { id } }) => {
      await delay(Math.random() * 3);
      return unsettled.delete(id) ? { status: 'retry', reason: 'busy' } : delivered;
    };
    await tested.journal.append(backlog);
    await tested.settled();
    expect(tested.confirmed).toHaveLength(backlog.length);
    expect(tested.confirmed.findLastIndex((id) => failing.has(id))).toBeLessThan(1_500);
  });

  test('is dead at once when it can never work', async () => {
    tested = await startTestRoute();
    tested.answer = () => ({ status: 'dead', reason: `refused: ${'€'.repeat(5_000)}` });
    await tested.append('a');
    await tested.settled();
    const [line] = tested.lines();
    expect(line).toMatchObject({ state: 'dead', attempts: [{ outcome: 'dead' }] });
    expect(line?.reason).toMatch(/^refused: €+…$/);
    expect(Buffer.byteLength(line?.reason ?? '')).toBeLessThanOrEqual(1_024);
    expect(tested.calls).toHaveLength(1);
  });

  test('waits as long as the sink asks, within a bound', async () => {
    tested = await startTestRoute({ retry: { schedule: [0, 0], maxWait: 3_600_000 } });
    const asked = Date.now() + 1_800_000;
    const answers = new Map<string, Outcome>();
    tested.answer = ({ header: { id } }) =>
      answers.get(id) ?? { status: 'retry', reason: 'busy', notBefore: asked - 0.5 };
    const [patient] = await tested.append('a');
    await until(() => tested?.lines().length === 1, { what: 'the first to wait' });
    tested.answer = () => ({ status: 'retry', reason: 'busy', notBefore: Date.now() + 1e12 });
    await tested.append('b');
    await until(() => tested?.lines().length === 2, { what: 'the second to wait' });
    const [first, second] = tested.lines();
    expect(first).toMatchObject({ id: patient, due_at: asked });
    expect(second?.due_at).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  test('is not forgotten by a restart, and due at once after the clock was set back', async () => {
    tested = await startTestRoute({ retry: { schedule: [3_600_000], maxWait: 0 } });
    tested.answer = () => ({ status: 'retry', reason: 'busy' });
    const [id] = await tested.append('a');
    await until(() => tested?.lines().length === 1, { what: 'it to wait' });
    tested.answer = () => delivered;
    const clock = Date.now;
    // A fake stands for time: as if the clock had been a year ahead until now.
    Date.now = () => clock() - 365 * 86_400_000;
    try {
      await tested.restart();
      await tested.settled();
    } finally {
      Date.now = clock;
    }
    expect(tested.confirmed).toEqual([id]);
  });

  test('is due at once also where the clock is set back while the route runs', async () => {
    tested = await startTestRoute({ retry: { schedule: [3_600_000], maxWait: 0 } });
    tested.answer = () => ({ status: 'retry', reason: 'busy' });
    const [id] = await tested.append('a');
    await until(() => tested?.lines().length === 1, { what: 'it to wait' });
    tested.answer = () => delivered;
    const set = Date.now() - 365 * 86_400_000;
    jest.spyOn(Date, 'now').mockImplementation(() => set);
    // Whatever wakes the route.
    const [next] = await tested.append('b');
    await until(() => tested?.confirmed.length === 2, { what: 'both', timeout: 3_000 });
    expect(tested.confirmed.toSorted()).toEqual([id, next].toSorted());
  });
});

describe('the circuit', () => {
  test('opens when the sink says that it is away, uses up no try, and closes by itself', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 10, linger: 0 }, concurrency: 2 } });
    tested.answer = () => {
      throw new SinkUnavailable('gone fishing');
    };
    const ids = await tested.append(...Array.from({ length: 30 }, () => 'a'));
    // More probes than the schedule has tries.
    await until(() => (tested?.calls.length ?? 0) > 6, { what: 'some probes' });
    expect(tested.route.activity).toMatchObject({ cursor: 0, trouble: { reason: 'gone fishing' } });
    expect(tested.calls.slice(3).every((call) => call.length === 1)).toBe(true);
    expect(tested.lines()).toEqual([]);
    tested.answer = () => delivered;
    await tested.settled();
    expect(tested.confirmed.toSorted()).toEqual(ids.toSorted());
    expect(tested.logged.filter((line) => line.includes('sink unavailable'))).toHaveLength(1);
    expect(tested.logged.filter((line) => line.includes('available again'))).toHaveLength(1);
  });

  test('opens after failures in a row that are about no one in particular; an outage makes no dead letter', async () => {
    tested = await startTestRoute();
    tested.answer = () => ({ status: 'retry', reason: 'connection refused', away: true });
    const ids = await tested.append(...Array.from({ length: 20 }, () => 'a'));
    await until(() => (tested?.calls.length ?? 0) > 15, { what: 'some probes' });
    expect(tested.route.activity.circuit).not.toBe('closed');
    tested.answer = () => delivered;
    await tested.settled();
    expect(tested.confirmed.toSorted()).toEqual(ids.toSorted());
  });

  test('makes no dead letter of the only one there is, however long the outage', async () => {
    tested = await startTestRoute({
      retry: { schedule: [0, 0, 0], maxWait: 0 },
      circuit: { failures: 3, maxPause: 5 },
    });
    tested.answer = () => ({ status: 'retry', reason: 'time-out', away: true });
    const ids = await tested.append('a');
    await until(() => (tested?.calls.length ?? 0) > 20, { what: 'many probes' });
    expect(tested.lines()).toMatchObject([{ state: 'waiting' }]);
    tested.answer = () => delivered;
    await tested.settled();
    expect(tested.confirmed).toEqual(ids);
  });

  test('gives up the one that always fails, while others are delivered', async () => {
    tested = await startTestRoute({
      retry: { schedule: [0, 0, 0, 0], maxWait: 0 },
      circuit: { failures: 3, maxPause: 5 },
    });
    const [poison] = await tested.append('a');
    tested.answer = ({ header: { id } }) =>
      id === poison ? { status: 'retry', reason: 'time-out', away: true } : delivered;
    await until(
      async () => {
        await tested?.append('b');
        return tested?.lines().some(({ state }) => state === 'dead');
      },
      { what: 'the dead letter' },
    );
    expect(tested.lines()).toMatchObject([{ id: poison, state: 'dead', attempts: { length: 5 } }]);
  });

  test('closes though the first to be probed is one that always fails', async () => {
    tested = await startTestRoute({ retry: { schedule: [0, 0], maxWait: 0 } });
    const poison = new Set(await tested.append('a', 'b', 'c', 'd'));
    let away = true;
    tested.answer = ({ header: { id } }) =>
      away || poison.has(id) ? { status: 'retry', reason: 'time-out', away: true } : delivered;
    await until(() => tested?.route.activity.circuit === 'open', { what: 'the circuit to open' });
    away = false;
    const good = await tested.append('e', 'f');
    await until(() => tested?.confirmed.length === good.length, { what: 'the others' });
  });

  test('probes another one where the sink can’t tell whether it is away, or one notification at fault', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 1, linger: 0 }, concurrency: 1 } });
    const [poison = '', ...others] = await tested.append('a', 'b', 'c');
    tested.answer = ({ header: { id } }) => {
      if (id === poison) throw new SinkUnavailable('the connection was cut', { unsure: true });
      return delivered;
    };
    await until(() => tested?.confirmed.length === others.length, { what: 'the others' });
  });

  test('counts one failure for one attempt, whatever its batch holds', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    tested = await startTestRoute({
      flow: { batch: { max: 10, linger: 0 }, concurrency: 1 },
      retry: { schedule: [60_000, 60_000, 60_000], maxWait: 0 },
      circuit: { failures: 3, maxPause: 5 },
    });
    tested.answer = () => ({ status: 'retry', reason: 'time-out', away: true });
    await tested.append(...Array.from({ length: 10 }, () => 'a'));
    await until(() => tested?.lines().length === 10, { what: 'all to be postponed' });
    expect(tested.route.activity.circuit).toBe('closed');
    expect(tested.lines().every(({ attempts }) => attempts.length === 1)).toBe(true);
  });

  test('pauses once for many that fail together, and lets all of them go as soon as it closes', async () => {
    tested = await startTestRoute({
      flow: { batch: { max: 1, linger: 0 }, concurrency: 16 },
      retry: { schedule: [0, 0, 0, 0], maxWait: 0 },
      circuit: { failures: 1, maxPause: 3_600_000 },
    });
    const ids = await tested.append(...Array.from({ length: 16 }, () => 'a'));
    const { promise: released, resolve: release } = Promise.withResolvers<Outcome>();
    tested.answer = () => released;
    await until(() => tested?.calls.length === 16, { what: 'all to be on their way' });
    tested.answer = () => delivered;
    release({ status: 'retry', reason: 'time-out', away: true });
    await until(() => tested?.route.activity.circuit === 'open', { what: 'the circuit to open' });
    // The first pause: the other fifteen have not made it longer.
    expect(tested.route.activity.probeIn).toBeLessThanOrEqual(500);
    await tested.settled();
    expect(tested.confirmed.toSorted()).toEqual(ids.toSorted());
    expect(tested.calls).toHaveLength(32);
  });

  test.each([
    ['each', (notBefore: number): Outcome => ({ status: 'retry', reason: 'busy', away: true, notBefore })],
    [
      'all',
      (notBefore: number): Outcome => {
        throw new SinkUnavailable('busy', { notBefore });
      },
    ],
  ])('leaves the sink alone for as long as it has asked for %s, within maxWait', async (_, answer) => {
    tested = await startTestRoute({
      retry: { schedule: [0], maxWait: 1_800_000 },
      circuit: { failures: 1, maxPause: 5 },
    });
    tested.answer = () => answer(Date.now() + 3_600_000);
    await tested.append('a');
    await until(() => tested?.route.activity.circuit === 'open', { what: 'the circuit to open' });
    expect(tested.route.activity.probeIn).toBeGreaterThan(1_700_000);
    expect(tested.route.activity.probeIn).toBeLessThanOrEqual(1_800_000);
  });

  test('probes when the sink has asked to', async () => {
    tested = await startTestRoute();
    tested.answer = () => {
      throw new SinkUnavailable('gone', { probeAfter: 3_600_000 });
    };
    await tested.append('a');
    await until(() => tested?.route.activity.circuit === 'open', { what: 'the circuit to open' });
    expect(tested.route.activity.probeIn).toBeGreaterThan(3_000_000);
  });

  test('probes at once when an operator tries again, whatever the sink has asked for', async () => {
    tested = await startTestRoute();
    expect(tested.route.tryNow()).toBe(false);
    tested.answer = () => {
      throw new SinkUnavailable('gone', { probeAfter: 3_600_000 });
    };
    const ids = await tested.append('a', 'b');
    await until(() => tested?.route.activity.circuit === 'open', { what: 'the circuit to open' });
    tested.answer = () => delivered;
    expect(tested.route.tryNow()).toBe(true);
    await tested.settled();
    expect(tested.confirmed.toSorted()).toEqual(ids.toSorted());
  });

  test('probes soon again where an operator was too early', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.999);
    tested = await startTestRoute({ circuit: { failures: 1, maxPause: 3_600_000 } });
    tested.answer = () => {
      throw new SinkUnavailable('away');
    };
    await tested.append('a');
    // As after a long outage: each probe doubles the pause.
    await until(() => tested?.route.activity.circuit === 'open', { what: 'the circuit to open' });
    await until(() => (tested?.route.activity.probeIn ?? 0) > 1_000, { what: 'the pauses to grow' });
    const before = tested.calls.length;
    tested.route.tryNow();
    await until(() => (tested?.calls.length ?? 0) > before, { what: 'the probe' });
    await until(() => tested?.route.activity.circuit === 'open', { what: 'the circuit to open again' });
    expect(tested.route.activity.probeIn).toBeLessThanOrEqual(500);
  });
});

describe('a sink that misbehaves', () => {
  test('by throwing at one delivery costs that one alone its tries', async () => {
    tested = await startTestRoute({ flow: { batch: { max: 10, linger: 0 }, concurrency: 1 } });
    const ids = Array.from({ length: 10 }, () => notification({}));
    const poison = ids[6]?.header.id;
    tested.answer = ({ header: { id } }) => {
      if (id === poison) throw new TypeError('undefined is not a function');
      return delivered;
    };
    await tested.journal.append(ids);
    await tested.settled();
    expect(new Set(tested.confirmed).size).toBe(9);
    expect(tested.lines()).toMatchObject([{ id: poison, state: 'dead' }]);
    expect(tested.lines()[0]?.reason).toContain('undefined is not a function');
  });

  test('by throwing, and going away before all of its batch was tried, costs nobody a second delivery', async () => {
    const sizes: number[] = [];
    tested = await startTestRoute(
      { flow: { batch: { max: 4, linger: 0 }, concurrency: 1 }, retry: { schedule: [10, 10], maxWait: 0 } },
      {
        async deliver(batch) {
          sizes.push(batch.length);
          if (sizes.length === 1) throw new TypeError('a bug');
          if (sizes.length === 3) throw new SinkUnavailable('gone');
          tested?.confirmed.push(...batch.map(({ header }) => header.id));
          return batch.map(() => delivered);
        },
      },
    );
    const ids = await tested.append('a', 'a', 'a', 'a');
    await tested.settled();
    expect(sizes.slice(0, 3)).toEqual([4, 2, 2]);
    expect(tested.confirmed.toSorted()).toEqual(ids.toSorted());
  });

  test('by giving too few outcomes is tried again', async () => {
    let calls = 0;
    tested = await startTestRoute(
      { flow: { batch: { max: 4, linger: 0 }, concurrency: 1 } },
      { deliver: async (batch) => (++calls < 3 ? [] : batch.map(() => delivered)) },
    );
    await tested.append('a', 'b', 'c', 'd');
    await tested.settled();
    expect(tested.lines()).toEqual([]);
  });

  test('by never answering is given up at the deadline, and opened anew', async () => {
    let opened = 0;
    let closed = 0;
    tested = await startTestRoute(
      { timeout: 50 },
      {
        get deliver() {
          opened += 1;
          const isFirst = opened === 1;
          return async (batch: readonly unknown[]) =>
            isFirst ? new Promise<never>(() => undefined) : batch.map(() => delivered);
        },
        close: async () => {
          closed += 1;
        },
      },
    );
    await tested.append('a');
    await tested.settled();
    expect(tested.lines()).toEqual([]);
    expect(opened).toBe(2);
    expect(closed).toBe(1);
    expect(tested.logged.join('')).toContain('has not answered within 0.05 s');
  });

  test('by hanging, also when it is closed, is never opened beside itself', async () => {
    let attempts = 0;
    let opened = 0;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    tested = await startTestRoute(
      { timeout: 20, circuit: { failures: 1, maxPause: 1 } },
      {
        get deliver() {
          opened += 1;
          return async (batch: readonly unknown[]) => {
            attempts += 1;
            if (attempts === 1) await released;
            return batch.map(() => delivered);
          };
        },
        close: () => released,
      },
    );
    await tested.append('a');
    const late = () => tested?.logged.filter((line) => line.includes('has not answered')).length ?? 0;
    await until(() => late() >= 3, { what: 'three attempts' });
    expect(opened).toBe(1);
    release();
    await tested.settled();
    expect(attempts).toBe(2);
  });
});
