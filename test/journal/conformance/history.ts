import { expect, test } from '@jest/globals';
import type { DeliveredRun } from '../../../src/journal/route-session.ts';
import { notification } from '../../support/notification.ts';
import { type Operating, operating } from '../../support/operator.ts';
import { recorded, untouched } from '../../support/recorded.ts';
import { sessionOf, settle } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';
import type { Tested } from './stores.ts';

export function history(tested: Tested): void {
  test('tells of each entry whether a route has delivered it, what was answered, and in which try', async () => {
    const seqs = await append(tested, 12);
    const [, , , third = 0, , , , , eighth = 0] = seqs;
    const session = await sessionOf(tested.journal, 'r');
    // Told in two parts that share a commit; one is recorded before it is delivered.
    const dead = [recorded(third, 'dead'), recorded(eighth, 'waiting')];
    void session.settle({ cursor: seqs[5] ?? 0, recorded: dead, settled: [], delivered: [run(seqs, 200, 0, 1, 2, 5)] });
    const late = { ...untouched(eighth), code: 201, attempts: 4 };
    const more = [run(seqs, 200, 6), run(seqs, 204, 9, 11)];
    void session.settle({ cursor: seqs[11] ?? 0, recorded: [], settled: [late], delivered: more });
    await session.close();
    const told = async (index: number) =>
      (await tested.journal.deliveriesOf(seqs[index] ?? 0)).map(({ code, attempts }) => [code, attempts]);
    for (const index of [0, 1, 2, 5, 6]) expect([index, await told(index)]).toEqual([index, [[200, 1]]]);
    for (const index of [9, 11]) expect([index, await told(index)]).toEqual([index, [[204, 1]]]);
    for (const index of [3, 4, 7, 10]) expect([index, await told(index)]).toEqual([index, []]);
    expect(await told(8)).toEqual([[201, 4]]);
  });

  test('tells of what was delivered ahead of the cursor, though the route ended without a word', async () => {
    const [one = 0, two = 0, three = 0] = await append(tested, 3);
    const session = await sessionOf(tested.journal, 'r');
    const settled = [{ ...untouched(three), code: 201 }];
    await session.settle({ cursor: one - 1, ahead: [two, three], recorded: [], settled, delivered: [] });
    for (let start = 0; start < 2; start += 1) {
      await tested.reopen();
      await sessionOf(tested.journal, 'r');
      const logged = await Promise.all([one, two, three].map((seq) => tested.journal.deliveriesOf(seq)));
      expect(logged).toMatchObject([[], [{ outcome: 'delivered', code: null }], [{ code: 201 }]]);
    }
  });

  test('tells what operators have dropped, and forgets with a route what it has delivered', async () => {
    const [one = 0, two = 0] = await append(tested, 2);
    const delivered = [{ code: null, places: [two, two], events: new Map([['low_balance', 1]]) }];
    await settle(tested.journal, 'r', { cursor: two, recorded: [recorded(one, 'dead')], delivered });
    await withStore(tested, async (store) => {
      await store.drop(await store.recordsOf(one));
      expect(await store.deliveriesOf(one)).toMatchObject([
        { route: 'r', outcome: 'dropped', attempts: 0, by: 'tester' },
      ]);
      expect(await store.deliveriesOf(two)).toMatchObject([{ route: 'r', outcome: 'delivered' }]);
      await tested.reopen();
      await store.forget('r');
    });
    await sessionOf(tested.journal, 'r');
    expect(await Promise.all([one, two].map((seq) => tested.journal.deliveriesOf(seq)))).toEqual([[], []]);
    expect(await tested.journal.counts('day', 0)).toEqual([]);
  });

  test('counts what each route has delivered of each event, and goes on counting after a restart', async () => {
    const seqs = await append(tested, 4);
    const since = Date.now();
    const [one = 0, two = 0] = seqs;
    const counts = async () =>
      (await tested.journal.counts('hour', since)).map(({ start: _start, last, ...count }) => ({
        ...count,
        isNow: last === null ? null : Math.abs(last - since) < 60_000,
      }));
    const first = { code: 200, places: [two, two], events: new Map([['register', 1]]) };
    await settle(tested.journal, 'r', { cursor: two, recorded: [recorded(one, 'dead')], delivered: [first] });
    const before = [
      { route: 'r', event: 'low_balance', delivered: 0, dead: 1, quarantined: 0, isNow: null },
      { route: 'r', event: 'register', delivered: 1, dead: 0, quarantined: 0, isNow: true },
    ];
    expect((await counts()).toSorted((a, b) => a.event.localeCompare(b.event))).toEqual(before);
    await tested.reopen();
    await settle(tested.journal, 'r', {
      cursor: seqs[3] ?? 0,
      settled: [untouched(one)],
      delivered: [{ ...run(seqs, 200, 2, 3), events: new Map([['register', 2]]) }],
    });
    const after = [
      { ...before[0], delivered: 1, isNow: true },
      { ...before[1], delivered: 3 },
    ];
    expect(await counts()).toEqual(after);
    const beside = await tested.store.openReader();
    // What the last minute has brought is the daemon's until it is written.
    expect((await beside.counts('day', 0)).map(({ delivered }) => delivered)).toEqual([0, 1]);
    await beside.close();
  });

  test('knows what a route selected of which entries', async () => {
    const [one = 0, two = 0] = await append(tested, 2);
    const open = async (selection: object) => void (await tested.journal.openRoute('r', one, 'deliver', selection));
    await open({ events: ['a'] });
    await open({ events: ['a'] });
    await settleAt(tested, 'r', two);
    await open({ events: ['b'] });
    expect(await tested.journal.selections()).toMatchObject([
      { route: 'r', after: two, selection: { events: ['b'] } },
      { route: 'r', after: expect.any(Number), selection: { events: ['a'] } },
    ]);
  });

  test('keeps when brokers were away: one that flaps has one outage', async () => {
    const { journal } = tested;
    const [west, east] = ['west', 'east'].map((zone) => ({ zone, broker: 'mq:5672' }));
    if (west === undefined || east === undefined) throw new Error('there are two');
    const now = Date.now();
    journal.brokerAway(west, now - 600_000, 'refused', 'ECONNREFUSED');
    journal.brokerBack(west, now - 500_000);
    journal.brokerAway(west, now - 480_000, 'reset', 'ECONNRESET');
    journal.brokerAway(east, now - 400_000, 'gone', null);
    journal.brokerBack(west, now - 390_000);
    const outages = async (since: number, end = now) =>
      (await journal.outages(since, end)).map(({ zone, since, until }) => [zone, since - now, until && until - now]);
    const all = [
      ['west', -600_000, -390_000],
      ['east', -400_000, null],
    ];
    await until(async () => (await outages(0)).length === 2, { what: 'both outages' });
    expect(await outages(0)).toEqual(all);
    expect(await outages(now - 300_000)).toEqual([all[1]]);
    expect(await outages(0, now - 500_000)).toEqual([all[0]]);
  });

  test('searches back from the newest by event, account, number and call, and says how far', async () => {
    const { journal } = tested;
    const body = (parts: object) => JSON.stringify({ call_id: 'c-1@host', ...parts });
    await journal.append([
      notification({ id: 'one', event: 'missed_call', receivedAt: 1_000, json: body({ from: '+49 30 1234567' }) }),
      notification({ id: 'two', event: 'voicemail_new', receivedAt: 2_000, json: body({ from: '4930123@host' }) }),
      notification({ id: 'three', accountId: 'b', receivedAt: 3_000, json: body({ call_id: 'c-2', length: 30_123 }) }),
    ]);
    const found = async (wanted: object) => {
      const { entries, ...rest } = await journal.search({ limit: 10, ...wanted });
      return [entries.map(({ header }) => header.id), rest.searchedTo, rest.more];
    };
    expect(await found({})).toEqual([['three', 'two', 'one'], 1_000, false]);
    const ids = async (wanted: object) => (await found(wanted))[0];
    expect(await found({ limit: 1 })).toEqual([['three'], 3_000, true]);
    expect(await found({ events: ['voicemail_*'] })).toEqual([['two'], 1_000, false]);
    expect(await found({ accounts: ['b'] })).toEqual([['three'], 1_000, false]);
    expect(await found({ since: 2_000 })).toEqual([['three', 'two'], 2_000, false]);
    expect(await ids({ callId: 'c-1@host' })).toEqual(['two', 'one']);
    expect(await ids({ callId: 'c-1' })).toEqual([]);
    // With or without the prefix, and whole where it is short.
    for (const number of ['+49301234567', '0301234567', '0049 30 123 4567'])
      expect([number, await ids({ number })]).toEqual([number, ['one']]);
    expect(await ids({ number: '30123' })).toEqual(['three']);
    expect(await ids({ number: '301' })).toEqual([]);
  });

  test('ends a search without a time after as much as it may read, and passes over what it need not', async () => {
    const { journal } = tested;
    const batch = (event: string) => Array.from({ length: 3_500 }, () => notification({ event, json: '{}' }));
    await journal.append([notification({ id: 'old', event: 'missed_call', receivedAt: 1_000 })]);
    for (let count = 0; count < 10; count += 1) await journal.append(batch('register'));
    expect(await journal.search({ accounts: ['nobody'], limit: 1 })).toMatchObject({ entries: [], more: true });
    expect(await journal.search({ accounts: ['nobody'], since: 1, limit: 1 })).toMatchObject({ more: false });
    expect(await journal.search({ events: ['missed_call'], limit: 1 })).toMatchObject({
      entries: [{ header: { id: 'old' } }],
    });
  });

  test('finds what KAZOO has published again', async () => {
    const same = { ownTime: 5, fingerprint: 'f' };
    const parts = [same, same, { ...same, ownTime: 6 }, { ownTime: null, fingerprint: 'f' }];
    const fresh = await tested.journal.append(parts.map((part, index) => notification({ id: `n${index}`, ...part })));
    const resends = await Promise.all(fresh.map(({ seq }) => tested.journal.resendsOf(seq)));
    expect(resends.map((some) => some.map(({ id }) => id))).toEqual([['n1'], ['n0'], [], []]);
  });

  test('counts what brokers have sent again, and forgets it with the entry', async () => {
    const { journal, store } = tested;
    const once = Array.from({ length: 12 }, (_, index) => notification({ id: `n${index}`, accountId: 'a' }));
    const again = (index: number, receivedAt: number) => notification({ id: `n${index}`, receivedAt });
    const seqs = (await journal.append(once)).map(({ seq }) => seq);
    await journal.append([again(3, 1_000), notification({ id: 'other' }), again(3, 2_000)]);
    await journal.append(Array.from({ length: 11 }, (_, index) => again(index + 1, 3_000)));
    const counts = async () => [...(await journal.redeliveriesOf(seqs))].sort(([one], [other]) => one - other);
    const expected = seqs.slice(1).map((seq) => [seq, { count: 1, last: 3_000 }]);
    expect(await counts()).toEqual(expected.with(2, [seqs[3] ?? 0, { count: 3, last: 3_000 }]));
    const opened = await store.openOperatorStore();
    await opened.act({ who: 'root', from: 'here' }, {}).erase('a', false);
    await opened.close();
    expect(await counts()).toEqual([]);
  });
}

async function append({ journal }: Tested, count: number): Promise<number[]> {
  return (await journal.append(Array.from({ length: count }, () => notification({})))).map(({ seq }) => seq);
}

/** These entries as one run, whose first and last may have others between them. */
function run(seqs: readonly number[], code: number, ...indexes: number[]): DeliveredRun {
  const places = indexes.flatMap((index) => [seqs[index] ?? 0, seqs[index] ?? 0]);
  return { code, places, events: new Map([['low_balance', indexes.length]]) };
}

async function settleAt({ journal }: Tested, route: string, cursor: number): Promise<void> {
  const session = await (await journal.openRoute(route, 'now', 'deliver', { events: ['a'] })).session();
  await Promise.all([session.settle({ cursor, recorded: [], settled: [], delivered: [] }), session.close()]);
}

async function withStore({ store }: Tested, work: (store: Operating) => Promise<void>): Promise<void> {
  const opened = operating(await store.openOperatorStore());
  await work(opened);
  await opened.close();
}
