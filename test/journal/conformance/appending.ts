import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Entry } from '../../../src/notification/entry.ts';
import { interestOf } from '../../../src/routes/match.ts';
import { type NotificationParts, notification } from '../../support/notification.ts';
import { sessionOf } from '../../support/sessions.ts';
import type { Tested } from './stores.ts';

export function appending(tested: Tested): void {
  test('gives back what was appended, in its order', async () => {
    const batch = [
      notification({ event: 'low_balance' }),
      notification({ event: 'register', problems: [], preview: true }),
    ];
    expect(await tested.journal.append(batch)).toMatchObject(batch.map(({ header }) => ({ header })));
    const entries = await readAll(tested);
    expect(entries.map(({ header }) => header.id)).toEqual(batch.map(({ header }) => header.id));
    await tested.reopen();
    const fromDisk = await readAll(tested);
    expect(fromDisk.map(plain)).toEqual(entries.map(plain));
  });

  test.each<[string, NotificationParts]>([
    ['is of no known event', { known: false }],
    ['is a preview', { preview: true }],
    ['is invalid', { state: 'invalid', problems: [{ path: '/a', keyword: 'type', message: 'must be a string' }] }],
    ['is a resend', { ownTime: 5, fingerprint: 'f' }],
    ['holds a secret that a route reveals', { secrets: [{ path: ['password'], value: 'geheim' }] }],
  ])('gives back all of a batch in which one %s', async (_what, parts) => {
    await tested.journal.append([notification({ ownTime: 5, fingerprint: 'f' })]);
    const batch = Array.from({ length: 10 }, () => notification({})).with(6, notification(parts));
    await tested.journal.append(batch);
    const entries = await readAll(tested);
    expect(entries.slice(1)).toMatchObject(
      batch.map(({ header, state, problems, json, secrets }) => ({ header, state, problems, json, secrets })),
    );
    await tested.reopen();
    expect((await readAll(tested)).map(plain)).toEqual(entries.map(plain));
  });

  test('drops what it has already, also inside a batch', async () => {
    const [one, two] = [notification({}), notification({})];
    expect(await tested.journal.append([one, one])).toMatchObject([{ header: one.header }]);
    expect(await tested.journal.append([one])).toEqual([]);
    await tested.reopen();
    expect(await tested.journal.append([one, two])).toMatchObject([{ header: two.header }]);
    expect((await readAll(tested)).map(({ header }) => header.id)).toEqual([one.header.id, two.header.id]);
  });

  test('marks a resend with the id of the first, only where an equal body is the same occurrence', async () => {
    const first = notification({ ownTime: 5, fingerprint: 'f' });
    const resend = notification({ ownTime: 5, fingerprint: 'f' });
    const third = notification({ ownTime: 5, fingerprint: 'f' });
    const repeated = [
      notification({ ownTime: null, fingerprint: 'g' }),
      notification({ ownTime: null, fingerprint: 'g' }),
    ];
    await tested.journal.append([first, resend]);
    await tested.journal.append([third, ...repeated]);
    const entries = await readAll(tested);
    expect(entries.map(({ resendOf }) => resendOf)).toEqual([null, first.header.id, first.header.id, null, null]);
  });

  test('knows a resend of what is older than all the rest, also within a batch', async () => {
    await tested.journal.append([notification({ ownTime: 2_000_000 })]);
    await tested.reopen();
    const old = { ownTime: 1_000_000, fingerprint: 'old' };
    const [first, second, third] = [notification(old), notification(old), notification(old)];
    const batch = [first, second, ...Array.from({ length: 10 }, () => notification({}))];
    await tested.journal.append(batch);
    await tested.journal.append([third]);
    const entries = (await readAll(tested)).filter(({ header: { id } }) =>
      [first.header.id, second.header.id, third.header.id].includes(id),
    );
    expect(entries.map(({ resendOf }) => resendOf)).toEqual([null, first.header.id, first.header.id]);
  });

  test('numbers batches that come at once in the order in which they can be read, and none below what was read', async () => {
    const session = await sessionOf(tested.journal, 'reading');
    const batches = Array.from({ length: 20 }, () => [notification({}), notification({})]);
    const appended = Promise.all(batches.map((batch) => tested.journal.append(batch)));
    const seen: number[] = [];
    while (seen.length < 40) {
      const { entries } = await session.read(seen.at(-1) ?? 0, 3, everything);
      seen.push(...entries.map(({ seq }) => seq));
      await nextTurn();
    }
    const seqs = (await appended).flat().map(({ seq }) => seq);
    expect(seen).toEqual(seqs.sort((one, other) => one - other));
  });

  test('counts what fits no schema by its kind, once for each notification that is new, and keeps that', async () => {
    const problems = ['/to/0', '/to/1', '/fro~1m'].map((path) => ({ path, keyword: 'type', message: 'must be' }));
    const invalid = { state: 'invalid', problems, receivedAt: 1_000 } as const;
    const first = notification({ ...invalid, unknownFields: ['/mood'] });
    await tested.journal.append([first, first, notification({})]);
    const last = notification({ ...invalid, receivedAt: 2_000 });
    await tested.journal.append([first, last]);
    const unknown = notification({ event: 'new_moon', unknownFields: null, receivedAt: 3_000 });
    const undecodable = { state: 'undecodable', event: null, json: 'null', problems: problems.slice(0, 1) } as const;
    await tested.journal.append([unknown, notification(undecodable)]);
    await tested.reopen();
    const known = { event: 'low_balance', known: true };
    const twice = { ...known, keyword: 'type', count: 2, first: 1_000, last: 2_000, example: last.header.id };
    const once = { count: 1, first: 1_000, last: 1_000, example: first.header.id };
    expect((await tested.journal.summary()).drift).toEqual([
      {
        ...{ event: 'new_moon', known: false, path: '', keyword: 'unknownEvent' },
        ...{ count: 1, first: 3_000, last: 3_000, example: unknown.header.id },
      },
      { ...twice, path: '/fro~1m' },
      { ...known, path: '/mood', keyword: 'unknownField', ...once },
      { ...twice, path: '/to/*' },
    ]);
  });

  test('tells 200 kinds apart of an event, and of all that no schema is for, and counts the rest as other', async () => {
    const paths = Array.from({ length: 205 }, (_, index) => `/field_${index}`);
    const known = paths.map((path) => notification({ unknownFields: [path] }));
    await tested.journal.append(known.slice(0, 150));
    await tested.journal.append(known.slice(150));
    await tested.journal.append(paths.map((path) => notification({ event: path, unknownFields: null })));
    await tested.journal.append([
      notification({ event: 'register', unknownFields: ['/field_204'] }),
      notification({ unknownFields: ['/field_0'] }),
    ]);
    const { drift } = await tested.journal.summary();
    expect(drift).toHaveLength(200 + 1 + 200 + 1 + 1);
    expect(drift.filter(({ keyword }) => keyword === 'other')).toMatchObject([
      { event: 'low_balance', known: true, path: '', count: 5 },
      { event: 'unknown', known: false, path: '', count: 5 },
    ]);
    expect(drift.filter(({ count }) => count === 2)).toMatchObject([{ event: 'low_balance', path: '/field_0' }]);
  });

  test('tells after each append, until it is told to stop', async () => {
    const changes: unknown[] = [];
    const unsubscribe = tested.journal.subscribe((change) => changes.push(change));
    await tested.journal.append([notification({})]);
    expect(changes).toEqual(['appended']);
    unsubscribe();
    await tested.journal.append([notification({})]);
    expect(changes).toEqual(['appended']);
  });
}

const everything = interestOf({ events: [], accounts: [] });

async function readAll({ journal }: Tested): Promise<readonly Entry[]> {
  const session = await sessionOf(journal, 'reading');
  const { entries } = await session.read(0, 100, everything);
  await session.close();
  return entries;
}

/** An entry without its getters. */
function plain(entry: Entry): object {
  return JSON.parse(JSON.stringify(entry));
}
