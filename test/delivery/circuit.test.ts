import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { messages } from '../../src/common/messages.ts';
import { Circuit } from '../../src/delivery/circuit.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import { delivered, type Outcome, SinkUnavailable } from '../../src/sinks/sink.ts';
import { fileStage } from '../support/file-stage.ts';
import { notification } from '../support/notification.ts';
import { startTestRoute, type TestRoute } from '../support/route.ts';
import { smallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

describe('the pauses between probes', () => {
  let now = 0;

  beforeEach(() => {
    now = 1_000_000;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    jest.spyOn(Math, 'random').mockReturnValue(1);
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** The pauses of outages, between which the sink is back for so long; all in milliseconds. */
  function pauses(circuit: Circuit, back: number, outages: number): number[] {
    return Array.from({ length: outages }, () => {
      circuit.open({ reason: 'gone' });
      const pause = circuit.probeIn;
      now += pause;
      circuit.tick();
      circuit.answered(1, true);
      now += back;
      return pause;
    });
  }

  test('go on growing where the sink was back for no longer than the last of them', () => {
    const circuit = new Circuit({ failures: 5, refusals: 5, maxPause: 6_000 });
    expect(pauses(circuit, 100, 6)).toEqual([500, 1_000, 2_000, 4_000, 6_000, 6_000]);
  });

  test('go on growing where the sink asks for less, and are no shorter than what it asks for', () => {
    const circuit = new Circuit({ failures: 5, refusals: 5, maxPause: 6_000 });
    const asked = [0, 0, 3_000, 0];
    const found = asked.map((milliseconds) => {
      circuit.open({ reason: 'busy' }, { asked: milliseconds });
      const pause = circuit.probeIn;
      now += pause;
      circuit.tick();
      return pause;
    });
    expect(found).toEqual([500, 1_000, 3_000, 4_000]);
  });

  test('begin anew where it was back for longer', () => {
    const circuit = new Circuit({ failures: 5, refusals: 5, maxPause: 60_000 });
    expect(pauses(circuit, 1_500, 6)).toEqual([500, 500, 500, 500, 500, 500]);
    expect(pauses(circuit, 900, 3)).toEqual([500, 500, 500]);
  });
});

describe('a sink that refuses, again and again', () => {
  const circuit = { failures: 3, maxPause: 20 };
  const refused = (code: number, of: 'all' | 'account' = 'all'): Outcome => ({
    status: 'dead',
    reason: `answered ${code}`,
    code,
    refused: of,
  });
  const dead = (route: TestRoute) => route.lines().filter(({ state }) => state === 'dead');

  test('is away: what comes waits, and no try of it is used up', async () => {
    await using route = await startTestRoute({ circuit });
    route.answer = () => refused(401);
    await route.append(...Array.from({ length: 20 }, () => 'a'));
    await until(() => route.route.activity.circuit !== 'closed', { what: 'the circuit to open' });
    expect(route.route.activity.trouble).toMatchObject({ reason: 'answered 401', code: 401 });
    // Probes go on, each with another one.
    const calls = route.calls.length;
    await until(() => new Set(route.calls.slice(calls).flat()).size >= 3, { what: 'probes' });
    await until(() => dead(route).length === 2, { what: 'the first two to be recorded' });
    route.answer = () => delivered;
    await route.settled();
    expect(route.confirmed).toHaveLength(18);
    expect(dead(route)).toHaveLength(2);
  });

  test('isn’t where it takes others in between, or refuses for another reason each time', async () => {
    await using route = await startTestRoute({ circuit });
    let answered = 0;
    route.answer = () => {
      answered += 1;
      return answered % 3 === 0 ? delivered : refused([401, 403, 404][answered % 2] ?? 0);
    };
    await route.append(...Array.from({ length: 12 }, () => 'a'));
    await until(() => answered === 12, { what: 'all to be tried' });
    await route.settled();
    expect(dead(route)).toHaveLength(8);
    expect(route.logged.join()).not.toContain('sink unavailable');
  });

  test('for one account is away for that account: others go on, and it is served once it is let in', async () => {
    await using route = await startTestRoute({ circuit });
    const isIn = (delivery: Delivery) => delivery.header.accountId !== 'closed';
    route.answer = (delivery) => (isIn(delivery) ? delivered : refused(404, 'account'));
    await route.append(...Array.from({ length: 10 }, () => 'closed'), 'open', 'open');
    await until(() => route.confirmed.length === 2, { what: 'the other account' });
    await until(() => route.lines().filter(({ state }) => state === 'waiting').length === 8, {
      what: 'the rest to wait',
    });
    expect(route.route.activity).toMatchObject({ circuit: 'closed', refusedAccounts: 1 });
    expect(dead(route)).toHaveLength(2);
    const reasons = route.lines().flatMap(({ state, reason }) => (state === 'waiting' ? reason : []));
    expect(reasons.filter((reason) => reason === 'the sink refuses its account: answered 404').length).toBeGreaterThan(
      0,
    );
    expect(route.logged.filter((line) => line.includes('account refused'))).toHaveLength(1);
    route.answer = () => delivered;
    await route.settled();
    expect(route.confirmed).toHaveLength(10);
    expect(route.lines().filter(({ attempts }) => attempts.length > 0)).toHaveLength(2);
    expect(route.logged.filter((line) => line.includes(messages.accountServed))).toHaveLength(1);
    expect(route.route.activity.refusedAccounts).toBe(0);
  });
});

describe('a restart, which no circuit outlives,', () => {
  test.each(['all', 'account'] as const)('makes dead letters of the first refusals to %s alone', async (of) => {
    const refusal: Outcome = { status: 'dead', reason: 'answered 404', code: 404, refused: of };
    await using route = await startTestRoute({ circuit: { failures: 3, maxPause: 20 } });
    route.answer = () => refusal;
    await route.append(...Array.from({ length: 20 }, () => 'closed'));
    const dead = () => route.lines().filter(({ state }) => state === 'dead').length;
    for (const expected of [2, 4, 6]) {
      const refusing = () => route.route.activity.circuit !== 'closed' || route.route.activity.refusedAccounts === 1;
      await until(() => refusing() && dead() === expected, { what: 'it to be known again' });
      // Probes use up nothing.
      const calls = route.calls.length;
      await until(() => route.calls.length >= calls + 3, { what: 'probes' });
      expect(dead()).toBe(expected);
      await route.restart();
    }
    route.answer = () => delivered;
    await route.settled();
    expect(route.confirmed).toHaveLength(20 - dead());
  });
});

describe('a sink that takes few and not many', () => {
  let tested: TestRoute | undefined;

  afterEach(async () => {
    await tested?.close();
    tested = undefined;
  });

  const flow = { batch: { max: 100, linger: 0 }, concurrency: 1 };
  const said = (what: string) => tested?.logged.filter((line) => line.includes(what)).length;

  test('is away until it takes a whole batch: probes grow with each that it takes, and begin with one again', async () => {
    let room = 20;
    const sizes: number[] = [];
    tested = await startTestRoute(
      { flow },
      {
        async deliver(batch) {
          sizes.push(batch.length);
          if (batch.length > room) throw new SinkUnavailable('its disk is full');
          room -= batch.length;
          return batch.map(() => delivered);
        },
      },
    );
    await tested.journal.append(Array.from({ length: 300 }, () => notification({})));
    await until(() => room === 0 && sizes.at(-1) === 1, { what: 'probes of one that fail' });
    expect(said('sink unavailable')).toBe(1);
    expect(said('available again')).toBe(0);
    const end = sizes.length;
    room = 1_000;
    await tested.settled();
    expect(sizes.slice(sizes.indexOf(1), sizes.indexOf(1) + 5)).toEqual([1, 2, 4, 8, 16]);
    expect(sizes.slice(end, end + 7)).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(said('available again')).toBe(1);
    expect(tested.lines()).toEqual([]);
  });

  test('is back once it has taken all that there is', async () => {
    let away = true;
    tested = await startTestRoute(
      { flow },
      {
        async deliver(batch) {
          if (away) throw new SinkUnavailable('gone');
          return batch.map(() => delivered);
        },
      },
    );
    await tested.append('a', 'b', 'c');
    await until(() => said('sink unavailable') === 1, { what: 'the circuit to open' });
    away = false;
    await until(() => said('available again') === 1, { what: 'the circuit to close' });
    expect(tested.route.activity.circuit).toBe('closed');
  });

  test('is back once a probe could have taken more than there was, however much comes in meanwhile', async () => {
    const sizes: number[] = [];
    const route = await startTestRoute(
      { flow },
      {
        async deliver(batch) {
          sizes.push(batch.length);
          if (sizes.length === 1) throw new SinkUnavailable('gone');
          if (sizes.length < 20 && said('available again') === 0) await more();
          return batch.map(() => delivered);
        },
      },
    );
    tested = route;
    /** Resolves once the route has read one that came in while the sink was at work. */
    const more = async () => {
      const read = jest.spyOn(route.session, 'read');
      await route.append('a');
      await until(() => read.mock.calls.length > 0, { what: 'the route to read', interval: 1 });
      read.mockRestore();
      await new Promise(setImmediate);
    };
    await route.append('a');
    await route.settled();
    expect(said('available again')).toBe(1);
    expect(sizes.length).toBeLessThan(10);
  });

  test('uses up the tries of one that it refuses while it is probed', async () => {
    let away = true;
    tested = await startTestRoute({ flow: { ...flow, concurrency: 2 } });
    const batch = Array.from({ length: 50 }, () => notification({}));
    const poison = batch[2]?.header.id;
    tested.answer = ({ header: { id } }) => {
      if (away) throw new SinkUnavailable('gone');
      return id === poison ? { status: 'dead', reason: 'refused' } : delivered;
    };
    await tested.journal.append(batch);
    await until(() => said('sink unavailable') === 1, { what: 'the circuit to open' });
    away = false;
    await tested.settled();
    expect(tested.lines()).toMatchObject([{ id: poison, state: 'dead', reason: 'refused', attempts: { length: 1 } }]);
    expect(new Set(tested.confirmed).size).toBe(49);
  });

  test('is a full disk: what fits is written, one line is logged, and all follows once there is room', async () => {
    await using stage = fileStage();
    mkdirSync(dirname(stage.path));
    using disk = smallDisk(dirname(stage.path), '64k');
    if (disk === undefined) return; // only root may
    const sink = await stage.open({ maxSize: 0 });
    tested = await startTestRoute({ flow }, { deliver: (batch, signal) => sink.deliver(batch, signal) });
    const ids = await tested.append(...Array.from({ length: 400 }, () => 'a'));
    const isFull = () => statSync(stage.path).size > 60_000 && tested?.route.activity.circuit === 'open';
    await until(isFull, { what: 'a full disk' });
    expect([said('sink unavailable'), said('available again')]).toEqual([1, 0]);
    disk.grow('64m');
    await tested.settled();
    expect(stage.ids()).toEqual(ids);
    expect([said('sink unavailable'), said('available again')]).toEqual([1, 1]);
  });
});
