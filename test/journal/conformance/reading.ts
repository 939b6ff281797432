import { expect, test } from '@jest/globals';
import { digestReason } from '../../../src/journal/route-session.ts';
import type { Entry } from '../../../src/notification/entry.ts';
import { interestOf } from '../../../src/routes/match.ts';
import { notification } from '../../support/notification.ts';
import { recorded } from '../../support/recorded.ts';
import { sessionOf, settle } from '../../support/sessions.ts';
import type { Tested } from './stores.ts';

export function reading(tested: Tested): void {
  test('narrows by event, account, time and place', async () => {
    const { journal } = tested;
    const fresh = await journal.append([
      notification({ event: 'voicemail_new', accountId: 'a', receivedAt: 1_000 }),
      notification({ event: 'voicemail_saved', accountId: 'b', receivedAt: 2_000 }),
      notification({ event: 'register', accountId: 'a', receivedAt: 3_000 }),
      notification({ event: null, accountId: null, receivedAt: 4_000 }),
    ]);
    const seqs = fresh.map(({ seq }) => seq);
    const found = async (query: object) =>
      (await journal.find({ limit: 10, ...query })).map(({ seq }) => seqs.indexOf(seq) + 1);
    expect(await found({})).toEqual([1, 2, 3, 4]);
    expect(await found({ limit: 2 })).toEqual([3, 4]);
    expect(await found({ events: ['voicemail_*'] })).toEqual([1, 2]);
    expect(await found({ events: ['register', 'voicemail_new'], accounts: ['a'] })).toEqual([1, 3]);
    expect(await found({ since: 2_000, limit: 2 })).toEqual([2, 3]);
    expect(await found({ after: seqs[2] })).toEqual([4]);
  });

  test('works beside the daemon and without it', async () => {
    await tested.journal.append([notification({ event: 'a' }), notification({ event: 'b' })]);
    const beside = await tested.store.openReader();
    expect((await beside.find({ limit: 10 })).map(({ header }) => header.event)).toEqual(['a', 'b']);
    await tested.journal.append([notification({ event: 'c' })]);
    expect((await beside.find({ limit: 1 })).map(({ header }) => header.event)).toEqual(['c']);
    await beside.close();
  });

  test('says how far each route is, and what it left behind', async () => {
    const { journal } = tested;
    const [first, second, third] = await journal.append([
      notification({}),
      notification({}),
      notification({ state: 'undecodable', event: null, json: 'null' }),
    ]);
    const [one = 0, two = 0, three = 0] = [first?.seq, second?.seq, third?.seq];
    await settle(journal, 'r', { cursor: two, recorded: [recorded(one, 'dead'), recorded(two, 'waiting')] });
    const forDigest = { ...recorded(one, 'waiting'), reason: `${digestReason}14:15 UTC` };
    await settle(journal, 's', { cursor: three, recorded: [forDigest, recorded(two, 'waiting')] });
    const { routes, undecodable, oldest, newest } = await journal.summary();
    expect(undecodable).toBe(1);
    expect([oldest, newest]).toEqual([first?.header.receivedAt, third?.header.receivedAt]);
    expect(routes).toMatchObject([
      { name: 'r', cursor: two, lag: { messages: 1 }, waiting: 1, collecting: 0, quarantined: 0, dead: 1 },
      { name: 's', cursor: three, lag: { messages: 0 }, waiting: 2, collecting: 1, quarantined: 0, dead: 0 },
    ]);
  });

  test('reads the same whether entries are recent or long gone from memory', async () => {
    const ids: string[] = [];
    for (let batch = 0; batch < 12; batch += 1) {
      const notifications = Array.from({ length: 500 }, () => notification({}));
      ids.push(...notifications.map(({ header }) => header.id));
      await tested.journal.append(notifications);
    }
    expect((await readThrough(tested, 333)).map(({ header }) => header.id)).toEqual(ids);
  });

  test('finds what is of interest among what memory has partly given up', async () => {
    const wanted: (string | undefined)[] = [];
    for (let batch = 0; batch < 12; batch += 1) {
      const notifications = Array.from({ length: 300 }, (_, index) =>
        notification({ event: index === batch ? 'port_request' : 'register' }),
      );
      await tested.journal.append(notifications);
      wanted.push(notifications[batch]?.header.id);
    }
    const found = (await readThrough(tested, 100, ['port_request'])).filter(
      ({ header: { event } }) => event === 'port_request',
    );
    expect(found.map(({ header }) => header.id)).toEqual(wanted);
  });
}

/** All that a route reads from the first page to the last. */
async function readThrough({ journal }: Tested, limit: number, events: string[] = []): Promise<Entry[]> {
  const session = await sessionOf(journal, 'reading');
  const read: Entry[] = [];
  for (let cursor = 0, more = true; more; ) {
    const page = await session.read(cursor, limit, interestOf({ events, accounts: [] }));
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    read.push(...page.entries);
    ({ through: cursor, more } = page);
  }
  return read;
}
