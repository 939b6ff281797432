import { expect, test } from '@jest/globals';
import { JournalError } from '../../../src/journal/journal.ts';
import type { RouteSession } from '../../../src/journal/route-session.ts';
import type { Entry } from '../../../src/notification/entry.ts';
import { interestOf } from '../../../src/routes/match.ts';
import { notification } from '../../support/notification.ts';
import { operating } from '../../support/operator.ts';
import { recorded, untouched } from '../../support/recorded.ts';
import { cursorOf, sessionOf, settle } from '../../support/sessions.ts';
import type { Tested } from './stores.ts';

export function sessions(tested: Tested): void {
  test('begins where `start` says, and only the first time', async () => {
    const { journal } = tested;
    const [one = 0, two = 0] = await append(tested, { receivedAt: 1_000 }, { receivedAt: 2_000 });
    expect(await cursorOf(journal, 'new', 'now')).toBe(two);
    expect(await cursorOf(journal, 'all', 'earliest')).toBeLessThan(one);
    expect(await cursorOf(journal, 'some', 1_500)).toBe(one);
    expect(await cursorOf(journal, 'future', 9_000)).toBe(two);
    expect(await cursorOf(journal, 'new', 'earliest')).toBe(two);
    // One that has run until just now.
    await settle(journal, 'all', { cursor: two });
    expect((await journal.summary()).routes).toContainEqual(expect.objectContaining({ name: 'all', cursor: two }));
    expect(await cursorOf(journal, 'all', 'earliest')).toBe(two);
  });

  test('misses nothing that comes between its place and its session', async () => {
    const place = await tested.journal.openRoute('r', 'now');
    const [seq] = await append(tested, {});
    const session = await place.session();
    expect(await read(session)).toEqual([seq]);
  });

  test('has one session at a time; the next one waits, and goes on from where the first let go', async () => {
    const [one = 0] = await append(tested, {}, {});
    const place = await tested.journal.openRoute('r', 'earliest');
    const first = await place.session();
    const waiting = place.session();
    const impatient = place.session(AbortSignal.abort(new Error('no longer')));
    await expect(impatient).rejects.toThrow('no longer');
    void first.settle({ cursor: one, recorded: [], settled: [], delivered: [] });
    await first.close();
    const second = await waiting;
    expect(second.cursor).toBe(one);
    expect([first.lost.aborted, second.lost.aborted]).toEqual([false, false]);
    // What has let go can change nothing any more.
    await expect(first.settle({ cursor: one + 1, recorded: [], settled: [], delivered: [] })).rejects.toThrow(
      JournalError,
    );
    await second.close();
    expect(await cursorOf(tested.journal, 'r', 'now')).toBe(one);
  });

  test('is lost with its journal', async () => {
    const session = await sessionOf(tested.journal, 'r');
    await tested.reopen();
    expect(session.lost.aborted).toBe(true);
    await expect(session.settle({ cursor: 1, recorded: [], settled: [], delivered: [] })).rejects.toThrow(JournalError);
  });

  test('shares the commit of its progress with all that is told meanwhile, and survives a clean stop', async () => {
    const [one = 0, two = 0] = await append(tested, {}, {});
    const session = await sessionOf(tested.journal, 'r');
    const other = await sessionOf(tested.journal, 's');
    const commits = [
      session.settle({ cursor: one, recorded: [recorded(one, 'quarantined')], settled: [], delivered: [] }),
      session.settle({ cursor: two, recorded: [], settled: [], delivered: [] }),
      other.settle({ cursor: two, recorded: [], settled: [], delivered: [] }),
    ];
    expect(new Set(commits).size).toBe(1);
    await tested.journal.append([notification({})]);
    await Promise.all(commits);
    // Not told by anybody, it is saved soon all the same.
    await session.settle({ cursor: two, recorded: [], settled: [], delivered: [] });
    await tested.reopen();
    expect(await cursorOf(tested.journal, 'r', 'earliest')).toBe(two);
    const store = operating(await tested.store.openOperatorStore());
    expect(await store.recordsOf(one)).toMatchObject([{ route: 'r', state: 'quarantined', reason: 'some' }]);
    await store.close();
  });

  test('changes a record that was there once, and makes it no second time', async () => {
    const [one = 0, two = 0] = await append(tested, {}, {});
    const session = await sessionOf(tested.journal, 'r');
    const first = [one, two].map((seq) => recorded(seq, 'waiting'));
    const again = first.map((record) => ({ ...record, exists: true }));
    // Both before the first commit.
    void session.settle({ cursor: two, recorded: first, settled: [], delivered: [] });
    void session.settle({ cursor: two, recorded: again, settled: [], delivered: [] });
    expect(await session.waitingAmong([one, two, two + 1])).toEqual(
      new Map([
        [one, 0],
        [two, 0],
      ]),
    );
    const store = operating(await tested.store.openOperatorStore());
    await store.drop(await store.records({ states: ['waiting'] }, 0, 1));
    await store.close();
    void session.settle({ cursor: two, recorded: again, settled: [], delivered: [] });
    expect(await session.waitingAmong([one, two, two + 1])).toEqual(new Map([[two, 0]]));
  });

  test('finds again what it recorded beyond its cursor', async () => {
    const [one = 0, two = 0, three = 0] = await append(tested, {}, {}, {});
    const before = await sessionOf(tested.journal, 'r');
    expect(await before.handledBeyondCursor()).toEqual([]);
    const records = [recorded(two, 'dead'), recorded(three, 'quarantined')];
    void before.settle({ cursor: one, recorded: records, settled: [], delivered: [] });
    await before.close();
    const after = await sessionOf(tested.journal, 'r');
    expect(after.cursor).toBe(one);
    expect(await after.handledBeyondCursor()).toEqual([two, three]);
  });

  test('finds again what it settled beyond its cursor, until that has passed it', async () => {
    const [one = 0, two = 0, three = 0, four = 0] = await append(tested, {}, {}, {}, {});
    const settleAhead = async (cursor: number, ahead: readonly number[]) => {
      const session = await sessionOf(tested.journal, 'r');
      void session.settle({ cursor, ahead, recorded: [], settled: [], delivered: [] });
      await session.close();
      await tested.reopen();
      const next = await sessionOf(tested.journal, 'r');
      await next.close();
      return [next.cursor, await next.handledBeyondCursor()];
    };
    expect(await settleAhead(one, [four])).toEqual([one, [four]]);
    // The next session has settled another one, and ends in the same way.
    expect(await settleAhead(one, [three])).toEqual([one, [three, four]]);
    expect(await settleAhead(one, [])).toEqual([one, [three, four]]);
    // An operator may have it again, as what the cursor has passed.
    const store = await tested.store.openOperatorStore();
    expect(await store.passedAmong('r', one, [one, two, three])).toEqual(new Set([one, three]));
    await store.close();
    expect(await settleAhead(three, [four])).toEqual([three, [four]]);
    expect(await settleAhead(four, [])).toEqual([four, []]);
  });

  test('says up to where a session before it may have delivered; a route that is new has had none', async () => {
    const [one = 0, two = 0] = await append(tested, {}, {});
    const first = await sessionOf(tested.journal, 'r', one);
    expect(first.attemptedThrough).toBe(first.cursor);
    await first.close();
    const [three = 0] = await append(tested, {});
    const second = await sessionOf(tested.journal, 'r');
    expect([second.cursor < two, second.attemptedThrough]).toEqual([true, three]);
    await tested.reopen();
    await append(tested, {});
    expect((await sessionOf(tested.journal, 'r')).attemptedThrough).toBe(three + 1);
  });

  test('gives what is due, those due first first, without what is held, and says when the next one is', async () => {
    const seqs = await append(tested, {}, {}, {}, {});
    const session = await sessionOf(tested.journal, 'r');
    const times = [300, 100, 200, 900];
    const records = seqs.map((seq, index) => ({ ...recorded(seq, 'waiting'), dueAt: times[index] ?? 0 }));
    void session.settle({ cursor: seqs.at(-1) ?? 0, recorded: records, settled: [], delivered: [] });
    const due = async (now: number, horizon: number, limit: number, ...held: number[]) => {
      const { waiting, more } = await session.due({
        now,
        horizon,
        limit,
        held: new Set(held.map((index) => seqs[index] ?? 0)),
      });
      return [waiting.map(({ entry }) => seqs.indexOf(entry.seq)), more];
    };
    expect(await due(300, 1_000, 10)).toEqual([[1, 2, 0], false]);
    expect(await due(300, 1_000, 2)).toEqual([[1, 2], true]);
    expect(await due(250, 1_000, 10, 1)).toEqual([[2], false]);
    // Only a clock that was set back makes one wait as long as the last.
    expect(await due(100, 800, 10)).toEqual([[1, 3], false]);
    expect([await session.nextDue(200), await session.nextDue(900)]).toEqual([300, null]);
    // What is settled isn't due any more, be it saved or not.
    const settled = seqs.slice(1, 2).map(untouched);
    void session.settle({ cursor: seqs.at(-1) ?? 0, recorded: [], settled, delivered: [] });
    expect(await due(300, 1_000, 10)).toEqual([[2, 0], false]);
  });

  test('gives what is due of one account at a time, or of none', async () => {
    const accounts = ['a', 'b', null, 'a', null, 'a'];
    const seqs = await append(tested, ...accounts.map((accountId) => ({ accountId })));
    const session = await sessionOf(tested.journal, 'r');
    const times = [300, 100, 100, 200, 300, 400];
    const records = seqs.map((seq, index) => {
      const [accountId = null, dueAt = 0] = [accounts[index], times[index]];
      return { ...recorded(seq, 'waiting'), accountId, dueAt };
    });
    void session.settle({ cursor: seqs.at(-1) ?? 0, recorded: records, settled: [], delivered: [] });
    const due = async (limit: number, ...held: number[]) => {
      const left = new Set(held.map((index) => seqs[index] ?? 0));
      const { waiting, more } = await session.due({ now: 300, horizon: 1_000, limit, held: left, ofOneAccount: true });
      return [waiting.map(({ entry }) => seqs.indexOf(entry.seq)), more];
    };
    expect(await due(10, 1)).toEqual([[2, 4], true]);
    expect(await due(1, 1)).toEqual([[2], true]);
    expect(await due(10, 1, 2, 4)).toEqual([[0, 3], true]);
    expect(await due(10, 0, 1, 2, 3, 4)).toEqual([[], false]);
    // What is settled isn't due any more, be it saved or not.
    const settled = seqs.slice(1, 3).map(untouched);
    void session.settle({ cursor: seqs.at(-1) ?? 0, recorded: [], settled, delivered: [] });
    expect(await due(10, 0, 3)).toEqual([[4], true]);
  });

  test('wakes what waits behind others of its account: all of it, or the first of each', async () => {
    const seqs = await append(tested, { accountId: 'a' }, { accountId: 'a' }, { accountId: 'b' }, { accountId: null });
    const records = seqs.map((seq, index) => {
      const accountId = ['a', 'a', 'b', null][index] ?? null;
      return { ...recorded(seq, 'waiting'), accountId, dueAt: null };
    });
    await settle(tested.journal, 'r', { cursor: seqs.at(-1) ?? 0, recorded: records });
    const session = await sessionOf(tested.journal, 'r');
    const due = async () => {
      const now = Date.now();
      const { waiting } = await session.due({ now, horizon: now, limit: 10, held: new Set() });
      return waiting.map(({ entry }) => seqs.indexOf(entry.seq)).sort();
    };
    expect(await due()).toEqual([]);
    expect(await session.wakeFirst()).toEqual(
      new Map([
        ['a', seqs[0]],
        ['b', seqs[2]],
      ]),
    );
    expect(await due()).toEqual([0, 2]);
    expect((await session.waitingOf('a', 10)).map(({ entry }) => entry.seq)).toEqual(seqs.slice(0, 2));
    await session.wakeAll();
    expect(await due()).toEqual([0, 1, 2, 3]);
  });

  test('gets no more than some MiB at a time, or fewer bytes, of entries and of what waits, and loses none of them', async () => {
    const json = JSON.stringify({ filler: 'x'.repeat(512 * 1024) });
    const seqs = await append(tested, ...Array.from({ length: 20 }, () => ({ json })));
    const [now, most] = [Date.now(), 9];
    const pages = async (next: (after: readonly number[]) => Promise<readonly Entry[]>) => {
      const all: number[] = [];
      const sizes: number[] = [];
      for (let page = await next(all); page.length > 0; page = await next(all)) {
        all.push(...page.map(({ seq }) => seq));
        sizes.push(page.length);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
      expect(all).toEqual(seqs);
    };
    let session = await sessionOf(tested.journal, 'r');
    const readOn = async (after: readonly number[]) => (await session.read(after.at(-1) ?? 0, 500, everything)).entries;
    await pages(readOn);
    await tested.reopen();
    session = await sessionOf(tested.journal, 'r');
    await pages(readOn);

    const records = seqs.map((seq) => ({ ...recorded(seq, 'waiting'), accountId: 'a1', dueAt: now }));
    void session.settle({ cursor: seqs.at(-1) ?? 0, recorded: records, settled: [], delivered: [] });
    await pages(async (held) => {
      const { waiting, more } = await session.due({ now, horizon: now + 1, limit: 500, held: new Set(held) });
      expect(more).toBe(seqs.length - held.length >= most);
      return waiting.map(({ entry }) => entry);
    });
    // A share of what all may hold may not come out even.
    const few = 3 * 512 * 1024 - 0.5;
    expect((await session.read(0, 500, everything, few)).entries).toHaveLength(3);
    expect((await session.read(0, 500, everything, -1)).entries).toHaveLength(1);
    expect(
      (await session.due({ now, horizon: now + 1, limit: 500, held: new Set(), bytes: few })).waiting,
    ).toHaveLength(3);
    expect(await session.waitingOf('a1', 500, few)).toHaveLength(3);
    const first = await session.waitingOf('a1', 500);
    expect(first.map(({ entry }) => entry.seq)).toEqual(seqs.slice(0, first.length));
    expect(first.length).toBeLessThanOrEqual(most);
  });
}

const everything = interestOf({ events: [], accounts: [] });

async function append({ journal }: Tested, ...parts: Parameters<typeof notification>[0][]): Promise<number[]> {
  const fresh = await journal.append(parts.map(notification));
  return fresh.map(({ seq }) => seq);
}

async function read(session: RouteSession): Promise<number[]> {
  const { entries } = await session.read(session.cursor, 100, everything);
  return entries.map(({ seq }) => seq);
}
