import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Delivery } from '../../src/notification/envelope.ts';
import { delivered } from '../../src/sinks/sink.ts';
import { type NotificationParts, notification } from '../support/notification.ts';
import { startTestRoute, type TestRoute } from '../support/route.ts';

let tested: TestRoute | undefined;

afterEach(async () => {
  await tested?.close();
  tested = undefined;
});

function balance(value: unknown, parts: NotificationParts = {}) {
  return notification({ json: JSON.stringify({ current_balance: value }), ...parts });
}

describe('a route with a condition', () => {
  test('gets what fulfils it, and counts what it can’t be asked of', async () => {
    tested = await startTestRoute({ where: 'data.current_balance < 0' });
    const [low, high, odd, none] = [balance(-1), balance(1), balance('?'), notification({ json: '{}' })];
    await tested.journal.append([low, high, odd, none]);
    await tested.settled();
    expect(tested.confirmed).toEqual([low.header.id]);
    expect(tested.route.activity.conditionFailures).toBe(2);
    const told = tested.logged.filter((line) => line.includes('the condition could not be evaluated'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('no such overload');
  });

  test.each([
    ['three in a row where it never succeeded', '???', { count: 3 }],
    ['no more than two', '??', null],
    ['many, but not the last', '????????????<', null],
    ['ten in a row', '<>??????????', { count: 10 }],
    ['no ten in a row', '<?????????', null],
  ])('is told to fail on everything where it fails on %s', async (_what, answers, expected) => {
    const values: Record<string, unknown> = { '<': -1, '>': 1, '?': '?' };
    tested = await startTestRoute({ where: 'data.current_balance < 0' });
    const all = [...answers].map((answer, index) => balance(values[answer], { receivedAt: 1_000 + index }));
    await tested.journal.append(all);
    await tested.settled();
    const { conditionFailures, conditionTrouble } = tested.route.activity;
    expect(conditionFailures).toBe(answers.split('?').length - 1);
    const since = 1_000 + answers.indexOf('?');
    const reason = expect.stringContaining('no such overload');
    expect(conditionTrouble).toEqual(expected && { ...expected, since, reason });
  });

  test('has nothing quarantined that doesn’t fulfil it', async () => {
    tested = await startTestRoute({ where: 'data.current_balance < 0' });
    const invalid = { state: 'invalid', problems: [{ path: '/x', message: 'is wrong', keyword: 'x' }] } as const;
    const [wanted, other] = [balance(-1, invalid), balance(1, invalid)];
    await tested.journal.append([wanted, other]);
    await tested.settled();
    expect(tested.lines()).toMatchObject([{ id: wanted.header.id, state: 'quarantined' }]);
  });
});

describe('a route that wants nothing of what comes', () => {
  test.each([
    ['by its event', { events: ['port_*'] }, { event: 'port_request' }],
    ['by its account', { accounts: ['b'] }, { accountId: 'b' }],
  ])('%s isn’t woken by it, and its place moves on all the same', async (_how, selection, wanted) => {
    tested = await startTestRoute(selection);
    const register = { event: 'register', accountId: 'a' };
    await tested.journal.append([notification(register)]);
    await tested.settled();
    const reads = jest.spyOn(tested.session, 'read');
    for (let batch = 0; batch < 30; batch += 1) await tested.journal.append([notification(register)]);
    await tested.settled();
    // It may have been awake for the first of them.
    expect(reads.mock.calls.length).toBeLessThan(3);
    const one = notification({ ...register, ...wanted });
    await tested.journal.append([notification(register), one]);
    await tested.settled();
    expect(tested.confirmed).toEqual([one.header.id]);
  });

  test('passes over nothing while it is paused, as an operator may let it want more until then', async () => {
    tested = await startTestRoute({ events: ['port_*'] });
    await tested.journal.append([notification({ event: 'register' })]);
    await tested.settled();
    await tested.store.pause('tested');
    tested.journal.look();
    const later = notification({ event: 'register' });
    await tested.journal.append([later]);
    await tested.restart({ events: [] });
    await tested.store.resume('tested');
    tested.journal.look();
    await tested.settled();
    expect(tested.confirmed).toEqual([later.header.id]);
  });
});

test('a route with a shape hands on what that leaves, at every try', async () => {
  const got: Delivery[] = [];
  tested = await startTestRoute({ shape: { pick: ['zone'], omit: [], set: { tenant: 'acme' } } });
  tested.answer = (delivery) => {
    got.push(delivery);
    return got.length === 1 ? { status: 'retry', reason: 'busy' } : delivered;
  };
  const [id] = await tested.append('a');
  await tested.settled();
  expect(got.map(({ json }) => json)).toEqual(Array(2).fill(`{"id":"${id}","zone":"west","tenant":"acme"}`));
});
