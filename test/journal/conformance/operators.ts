import { expect, test } from '@jest/globals';
import { interestOf } from '../../../src/routes/match.ts';
import { notification } from '../../support/notification.ts';
import { type Operating, operating } from '../../support/operator.ts';
import { recorded, untouched } from '../../support/recorded.ts';
import { sessionOf, settle } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';
import type { Tested } from './stores.ts';

export function operators(tested: Tested): void {
  test('shows what is recorded: by state, route, event, time and id, page by page, and in groups', async () => {
    const [seqs, store] = await withRecords(tested);
    const shown = async (filter: object, after = 0, limit = 10) => {
      const records = await store.records({ states: ['waiting', 'dead', 'quarantined'], ...filter }, after, limit);
      return records.map(({ seq, route, state }) => [seqs.indexOf(seq), route, state]);
    };
    const all = [
      [0, 'r', 'waiting'],
      [1, 'r', 'dead'],
      [2, 'r', 'quarantined'],
      [1, 's', 'waiting'],
    ];
    expect(await shown({})).toEqual(all);
    expect(await shown({ states: ['waiting'] })).toEqual([all[0], all[3]]);
    expect(await shown({ route: 's' })).toEqual([all[3]]);
    expect(await shown({ event: 'register' })).toEqual([all[1], all[3]]);
    expect(await shown({ since: 3_000 })).toEqual([all[2]]);
    const [first] = await store.records({ states: ['waiting'] }, 0, 1);
    expect(await shown({ ids: [first?.id] })).toEqual([all[0]]);
    expect(await shown({}, first?.number)).toEqual(all.slice(1));
    expect(await store.groups({ states: ['waiting', 'dead'] })).toMatchObject([
      { count: 1 },
      { count: 1 },
      { count: 1 },
    ]);
    expect((await store.recordsOf(seqs[1] ?? 0)).map(({ route }) => route)).toEqual(['r', 's']);
    expect((await store.entry(first?.id ?? ''))?.seq).toBe(seqs[0]);
    expect((await store.entryAt(seqs[0] ?? 0))?.header.id).toBe(first?.id);
    await store.close();
  });

  test('keeps counts of what is recorded by route, state, reason and event, and of what no operator has seen, whatever is done', async () => {
    const { journal } = tested;
    const events = ['low_balance', 'register', 'register', 'register', 'low_balance', 'register'];
    const seqs = (await journal.append(events.map((event) => notification({ event })))).map(({ seq }) => seq);
    const states = ['dead', 'dead', 'waiting', 'quarantined', 'waiting', 'dead'] as const;
    const records = seqs.map((seq, index) => recorded(seq, states[index] ?? 'dead'));
    await settle(journal, 'r', { cursor: seqs.at(-1) ?? 0, recorded: records });
    await settle(journal, 's', { cursor: seqs.at(-1) ?? 0, recorded: records.slice(0, 2) });
    const store = operating(await tested.store.openOperatorStore());
    const all = ['waiting', 'dead', 'quarantined', 'undecodable'] as const;
    /** By a look at each record. */
    const counted = async () => {
      const found = await store.records({ states: all, since: 0 }, 0, 1_000);
      const groups = Map.groupBy(found, ({ route, state, reason, event }) => [route, state, reason, event].join('|'));
      return [...groups].map(([key, group]) => `${key}|${group.length}`).sort();
    };
    const kept = async () =>
      (await store.eventGroups({ states: all }, 100)).groups
        .map(({ route, state, reason, event, count }) => [route, state, reason, event, count].join('|'))
        .sort();
    const unseen = async () => (await store.summary()).routes.map(({ name, unseen }) => [name, unseen]);
    const agree = async () => expect(await kept()).toEqual(await counted());
    await agree();
    expect(await unseen()).toEqual([
      ['r', 4],
      ['s', 2],
    ]);
    await store.looked(Date.now() + 1, 'r');
    const [first] = await store
      .eventGroups({ states: ['dead'], route: 'r', event: 'register' }, 1)
      .then(({ groups }) => groups);
    expect(first).toMatchObject({ count: 2, reason: 'some' });
    expect(first?.example).toBe((await store.entryAt(seqs[1] ?? 0))?.header.id);
    expect(await store.count({ states: ['dead'], event: 'low_balance' })).toBe(2);
    expect(await store.records({ states: ['dead'], event: 'register', reason: 'some' }, 0, 9)).toMatchObject([
      { route: 'r' },
      { route: 'r' },
      { route: 's' },
    ]);
    await store.retry(await store.records({ states: ['dead'], route: 'r', event: 'register' }, 0, 1));
    await agree();
    await store.hasten(await store.records({ states: ['waiting'] }, 0, 1));
    await store.drop(await store.records({ states: ['quarantined'] }, 0, 10));
    await agree();
    expect(await unseen()).toEqual([
      ['r', 0],
      ['s', 2],
    ]);
    const entry = await store.entryAt(seqs[3] ?? 0);
    await store.replay('s', entry === null ? [] : [entry]);
    await tested.reopen();
    await until(async () => (await unseen()).length === 2, { what: 'the summary' });
    await agree();
    await settle(tested.journal, 's', {
      cursor: seqs.at(-1) ?? 0,
      recorded: [{ ...recorded(seqs[0] ?? 0, 'waiting'), exists: true }],
    });
    await agree();
    await store.forget('r');
    await agree();
    expect((await kept()).length).toBe(3);
    expect(await store.eventGroups({ states: all }, 1)).toMatchObject({ groups: [{ count: 1 }], fitting: 3, count: 3 });
    await store.close();
  });

  test('says when the next try of each group is, by what is due first on its route', async () => {
    const { journal } = tested;
    const seqs = (await journal.append(Array.from({ length: 105 }, () => notification({ event: 'register' })))).map(
      ({ seq }) => seq,
    );
    const waiting = (index: number, reason: string, dueAt: number | null) => ({
      ...recorded(seqs[index] ?? 0, 'waiting'),
      reason,
      dueAt,
    });
    const before = [waiting(0, 'often', 2_000), waiting(1, 'often', 1_000), waiting(2, 'behind', null)];
    await settle(journal, 'r', { cursor: seqs.at(-1) ?? 0, recorded: [...before, recorded(seqs[3] ?? 0, 'dead')] });
    const store = operating(await tested.store.openOperatorStore());
    const tries = async () => {
      const { groups } = await store.eventGroups({ states: ['waiting', 'dead'] }, 10);
      return Object.fromEntries(groups.map(({ reason, nextTry }) => [reason, nextTry]));
    };
    expect(await tries()).toEqual({ often: { at: 1_000, isLater: false }, behind: null, some: null });
    const many = seqs.slice(4, 104).map((_, index) => waiting(index + 4, 'many', 100 + index));
    await settle(journal, 'r', { cursor: seqs.at(-1) ?? 0, recorded: many });
    expect(await tries()).toMatchObject({ many: { at: 100, isLater: false }, often: { at: 199, isLater: true } });
    await store.close();
  });

  test('retries the dead of a selection at once, and nothing else', async () => {
    const [seqs, store] = await withRecords(tested);
    const retried = async (which: object) => {
      let count = 0;
      for await (const step of store.retryDead(which)) count += step;
      return count;
    };
    const [, dead] = seqs;
    for (const none of [{ route: 's' }, { routes: ['s'] }, { event: 'low_balance' }, { since: 3_000 }, { ids: ['x'] }])
      expect(await retried(none)).toBe(0);
    const [record] = await store.records({ states: ['dead'] }, 0, 10);
    const all = { route: 'r', routes: ['r', 's'], event: 'register', since: 1, ids: [record?.id] };
    expect([await retried(all), await retried(all)]).toEqual([1, 0]);
    expect(await store.recordsOf(dead ?? 0)).toMatchObject([
      { route: 'r', state: 'waiting', attempts: [...(record?.attempts ?? []), { outcome: 'restart' }] },
      { route: 's', state: 'waiting' },
    ]);
    await store.close();
  });

  test('retries, hastens and drops each once, and the daemon is told of it', async () => {
    const [seqs, store] = await withRecords(tested);
    const { promise: told, resolve } = Promise.withResolvers<unknown>();
    const records = await store.records({ states: ['waiting', 'dead', 'quarantined'], route: 'r' }, 0, 10);
    tested.journal.subscribe(resolve);
    expect([await store.retry(records), await store.retry(records)]).toEqual([2, 0]);
    expect(await told).toBe('records');
    const session = await sessionOf(tested.journal, 'r');
    const now = Date.now();
    const due = async () =>
      (await session.due({ now: now + 1_000, horizon: now + 2_000, limit: 10, held: new Set() })).waiting;
    expect((await due()).map(({ entry }) => seqs.indexOf(entry.seq))).toEqual(expect.arrayContaining([1, 2]));
    // Its tries begin anew, and those that were stay to be read.
    expect((await due())[0]?.attempts.at(-1)).toMatchObject({ outcome: 'restart' });
    const [waiting] = await store.records({ states: ['waiting'], route: 's' }, 0, 1);
    expect(await store.hasten(waiting === undefined ? [] : [waiting])).toBe(1);
    const left = await store.records({ states: ['waiting'], route: 'r' }, 0, 10);
    expect([await store.drop(left), await store.drop(left)]).toEqual([3, 0]);
    expect((await session.waitingAmong(seqs)).size).toBe(0);
    await store.close();
  });

  test('drops what a cursor hasn’t passed for good: the route finds it handled', async () => {
    const [one = 0, two = 0] = (await tested.journal.append([notification({}), notification({})])).map(
      ({ seq }) => seq,
    );
    await settle(tested.journal, 'r', { cursor: one - 1, recorded: [recorded(two, 'waiting')] });
    const store = operating(await tested.store.openOperatorStore());
    expect(await store.passedAmong('r', one - 1, [one, two])).toEqual(new Set([two]));
    await store.drop(await store.records({ states: ['waiting'] }, 0, 1));
    expect(await store.passedAmong('r', one - 1, [one, two])).toEqual(new Set([two]));
    await store.close();
    const session = await sessionOf(tested.journal, 'r');
    expect(await session.handledBeyondCursor()).toEqual([two]);
  });

  test('replays what doesn’t wait already', async () => {
    const [seqs, store] = await withRecords(tested);
    const entries = (await Promise.all(seqs.map((seq) => store.entryAt(seq)))).filter((entry) => entry !== null);
    expect(await store.replay('r', entries)).toBe(2);
    expect(await store.waitingAmong('r', seqs)).toEqual(new Set(seqs));
    expect(await store.waitingIn('r', seqs[1] ?? 0, seqs[2] ?? 0)).toBe(2);
    await store.close();
  });

  test('takes one that was dropped and replayed for another record: what is told of the old one doesn’t touch it', async () => {
    const [[one = 0, two = 0], store] = await withRecords(tested);
    const session = await sessionOf(tested.journal, 'r');
    const again = await Promise.all([one, two].map((seq) => store.entryAt(seq)));
    await store.drop(await store.records({ states: ['waiting', 'dead'], route: 'r' }, 0, 10));
    await store.replay(
      'r',
      again.filter((entry) => entry !== null),
    );
    const known = { ...recorded(one, 'dead'), exists: true };
    void session.settle({ cursor: session.cursor, recorded: [known], settled: [untouched(two)], delivered: [] });
    // Neither before that is saved, nor after.
    const waiting = await session.waitingAmong([one, two]);
    const due = async () =>
      (await session.due({ now: Date.now(), horizon: Date.now() + 1_000, limit: 10, held: new Set() })).waiting;
    expect((await due()).map(({ entry }) => entry.seq)).toEqual([one, two]);
    await session.flush();
    expect((await due()).map(({ entry }) => entry.seq)).toEqual([one, two]);
    expect([...waiting.values()].every((restartedAt) => restartedAt > 0)).toBe(true);
    // What it is told of the new one counts.
    const settled = [...waiting].map(([seq, restartedAt]) => ({ ...untouched(seq), restartedAt }));
    void session.settle({ cursor: session.cursor, recorded: [], settled, delivered: [] });
    expect(await due()).toEqual([]);
    await session.flush();
    expect((await session.waitingAmong([one, two])).size).toBe(0);
    await store.close();
  });

  test('forgets a route with all that it left: opened again, it is a new one', async () => {
    const [seqs, store] = await withRecords(tested);
    expect(await store.cursorOf('r')).toBe(seqs[2]);
    // One that has run until just now.
    const session = await sessionOf(tested.journal, 'r');
    const last = {
      cursor: seqs[1] ?? 0,
      ahead: seqs.slice(2),
      recorded: [recorded(seqs[0] ?? 0, 'dead')],
      settled: [],
      delivered: [],
    };
    const saved = session.settle(last);
    await session.close();
    await store.forget('r');
    await Promise.all([saved, tested.journal.append([notification({})])]);
    expect(await store.cursorOf('r')).toBeNull();
    expect(await store.records({ states: ['waiting', 'dead', 'quarantined'] }, 0, 10)).toMatchObject([{ route: 's' }]);
    const anew = await sessionOf(tested.journal, 'r', 'earliest');
    expect(anew.cursor).toBeLessThan(seqs[0] ?? 0);
    expect(await anew.handledBeyondCursor()).toEqual([]);
    await store.close();
  });

  test('erases an account with all that is recorded of it, and a session finds out what is gone', async () => {
    const accounts = ['gone', 'here', 'gone', 'here'];
    const entries = await tested.journal.append(accounts.map((accountId) => notification({ accountId })));
    const [one = 0, two = 0, three = 0, four = 0] = entries.map(({ seq }) => seq);
    const records = [recorded(one, 'dead'), recorded(two, 'dead'), recorded(three, 'waiting')];
    await settle(tested.journal, 'r', { cursor: two, recorded: records });
    await settle(tested.journal, 'r', { cursor: two, settled: [untouched(three)] });
    expect(await tested.journal.deliveriesOf(three)).toHaveLength(1);
    const session = await sessionOf(tested.journal, 'r');
    const store = operating(await tested.store.openOperatorStore());
    expect(await store.holdingsOf('gone')).toMatchObject({ notifications: 2, dead: 1, waiting: 0, quarantined: 0 });
    expect(await store.erase('gone', false)).toMatchObject({ notifications: 2 });
    expect(await store.holdingsOf('gone')).toMatchObject({ notifications: 0, dead: 0, oldest: null, newest: null });
    expect((await store.records({ states: ['dead'] }, 0, 10)).map(({ seq }) => seq)).toEqual([two]);
    expect(await tested.journal.deliveriesOf(three)).toEqual([]);
    expect(await store.acts(0, 10)).toMatchObject([{ act: 'erase', count: 2 }]);
    tested.journal.look();
    const read = () => session.read(0, 10, interestOf({ events: [], accounts: [] }));
    await until(async () => (await read()).entries.length === 2, { what: 'what was erased to be forgotten' });
    const { entries: left, through } = await read();
    expect([left.map(({ seq }) => seq), through]).toEqual([[two, four], four]);
    expect(await session.erasedAmong([one, two, three, four])).toEqual(new Set([one, three]));
    await store.close();
  });

  test('keeps a row of each act: who, from where, what of, and how much it has changed, by all its steps', async () => {
    const [seqs, all] = await withRecords(tested);
    const store = await tested.store.openOperatorStore();
    const states = ['dead', 'quarantined'] as const;
    const dead = await store.records({ states }, 0, 10);
    const began = Date.now();
    const act = store.act({ who: 'ann', from: 'desk' }, { route: 'r', states, since: 1_000, ids: ['x', 'y'] });
    expect([await act.drop(dead.slice(0, 1)), await act.drop(dead), await act.drop(dead)]).toEqual([1, 1, 0]);
    const [row, ...others] = await store.acts(began, 10);
    const selection = { route: 'r', states, since: 1_000, ids: ['x', 'y'] };
    expect(row).toMatchObject({ who: 'ann', from: 'desk', act: 'drop', selection, count: 2 });
    expect(others).toEqual([]);
    const entries = (await Promise.all(seqs.map((seq) => store.entryAt(seq)))).filter((entry) => entry !== null);
    const waiting = await store.records({ states: ['waiting'] }, 0, 10);
    const acts: [string, () => Promise<unknown>][] = [
      ['retry', () => all.hasten(waiting)],
      ['replay', () => all.replay('r', entries)],
      ['pause', () => all.pause('r')],
      ['resume', () => all.resume('r')],
      ['probe', () => all.probed(1)],
      ['accept-clock', () => all.acceptClock()],
      ['forget', () => all.forget('r')],
    ];
    for (const [name, work] of acts) {
      await work();
      expect((await store.acts(began, 1))[0]).toMatchObject({ act: name, who: 'tester', count: expect.any(Number) });
    }
    expect((await store.acts(began, 100)).map((one) => one.act)).toEqual(['drop', ...acts.map(([name]) => name)]);
    expect(await store.acts(Date.now() + 1_000, 10)).toEqual([]);
    await store.close();
    await all.close();
  });

  test('shows how far an act is that has begun before it changes anything, to whoever looks', async () => {
    const [, store] = await withRecords(tested);
    const one = operating(await tested.store.openOperatorStore());
    const number = await one.begin('retry');
    const shown = () => store.actAt(number);
    const progress = { total: null, isOver: false, problem: null };
    expect(await shown()).toMatchObject({ number, act: 'retry', who: 'tester', count: 0, progress });
    await one.tell({ ...progress, total: 2 });
    const changed = await one.retry(await store.records({ states: ['dead', 'quarantined'], route: 'r' }, 0, 2));
    expect(await shown()).toMatchObject({ count: changed, progress: { total: 2, isOver: false } });
    await one.tell({ total: 2, isOver: true, problem: `stopped ${'x'.repeat(5_000)}` });
    await one.close();
    const ended = await shown();
    expect(ended).toMatchObject({
      count: changed,
      progress: { isOver: true, problem: expect.stringMatching(/^stopped x{900,1000}/) },
    });
    expect(await store.acts(0, 10)).toEqual([ended]);
    expect([await store.actAt(number + 1), await store.actAt(0)]).toEqual([null, null]);
    await store.pause('r');
    expect((await store.acts(0, 10)).at(-1)?.progress).toBeNull();
    await store.close();
  });

  test('keeps no row of what changed nothing', async () => {
    const [, store] = await withRecords(tested);
    expect([await store.pause('r'), await store.pause('r'), await store.resume('s')]).toEqual([true, false, false]);
    await store.retry([]);
    expect((await store.acts(0, 10)).map(({ act }) => act)).toEqual(['pause']);
    await store.close();
  });

  test('pauses a route, which the daemon is told of, until it is resumed, across restarts', async () => {
    const [, store] = await withRecords(tested);
    const { promise: told, resolve } = Promise.withResolvers<unknown>();
    tested.journal.subscribe(resolve);
    await store.pause('r');
    expect(await told).toBe('records');
    expect(tested.journal.pauseOf('r')).toMatchObject({ who: 'tester', at: expect.closeTo(Date.now(), -4) });
    expect(tested.journal.pauseOf('s')).toBeNull();
    await tested.reopen();
    expect(tested.journal.pauseOf('r')).toMatchObject({ who: 'tester' });
    const { routes } = await tested.journal.summary();
    expect(routes.map(({ name, paused }) => [name, paused?.who])).toEqual([
      ['r', 'tester'],
      ['s', undefined],
    ]);
    await store.resume('r');
    tested.journal.look();
    await until(() => tested.journal.pauseOf('r') === null, { what: 'the end of the pause' });
    // A pause isn't left to a route that takes the name.
    await store.pause('r');
    await store.forget('r');
    tested.journal.look();
    await until(() => tested.journal.pauseOf('r') === null, { what: 'the end of the pause' });
    await store.close();
  });

  test('knows which of the dead and quarantined ones no operator has looked at', async () => {
    const [seqs, store] = await withRecords(tested);
    const unseen = async () => (await store.summary()).routes.map((route) => [route.name, route.unseen]);
    expect(await unseen()).toEqual([
      ['r', 2],
      ['s', 0],
    ]);
    await store.looked(Date.now(), 's');
    expect((await store.summary()).lookedAt).toBeNull();
    const at = Date.now();
    await store.looked(at, 'r');
    expect([(await unseen())[0], (await store.summary()).lookedAt]).toEqual([['r', 0], at]);
    // Nothing was new: all has been well for as long as before.
    await store.looked(at + 60_000);
    expect((await store.summary()).lookedAt).toBe(at);
    await settle(tested.journal, 's', { cursor: seqs[2] ?? 0, recorded: [recorded(seqs[2] ?? 0, 'dead')] });
    expect((await unseen())[1]).toEqual(['s', 1]);
    await store.looked(Date.now() + 1_000);
    expect((await unseen())[1]).toEqual(['s', 0]);
    await store.close();
  });

  test('says what a validator has found since', async () => {
    const [seqs, store] = await withRecords(tested);
    const problems = [{ path: '/a', keyword: 'type', message: 'must be a string' }];
    await store.saveValidation(seqs[0] ?? 0, 'invalid', problems);
    expect(await store.entryAt(seqs[0] ?? 0)).toMatchObject({ state: 'invalid', problems });
    await store.close();
  });
}

/** Three entries, all recorded by the route `r`, and one of them by `s`. */
async function withRecords({ journal, store }: Tested): Promise<[seqs: number[], store: Operating]> {
  const events = ['low_balance', 'register', 'missed_call'];
  const batch = events.map((event, index) => notification({ event, receivedAt: 1_000 * (index + 1) }));
  const seqs = (await journal.append(batch)).map(({ seq }) => seq);
  const [one = 0, two = 0, three = 0] = seqs;
  const later = { dueAt: Date.now() + 3_600_000 };
  const records = [{ ...recorded(one, 'waiting'), ...later }, recorded(two, 'dead'), recorded(three, 'quarantined')];
  await settle(journal, 'r', { cursor: three, recorded: records });
  await settle(journal, 's', { cursor: three, recorded: [{ ...recorded(two, 'waiting'), ...later }] });
  return [seqs, operating(await store.openOperatorStore())];
}
