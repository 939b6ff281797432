import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pino from 'pino';
import { reasonOf } from '../../../src/common/errors.ts';
import type { Journal, Limits } from '../../../src/journal/journal.ts';
import type { Recorded } from '../../../src/journal/route-session.ts';
import { openJournal } from '../../../src/journal/sqlite/journal.ts';
import { openOperatorStore } from '../../../src/journal/sqlite/operator-store.ts';
import { unlimited } from '../../../src/journal/sqlite/retention.ts';
import { type NotificationParts, notification } from '../../support/notification.ts';
import { operating } from '../../support/operator.ts';
import { recorded, untouched } from '../../support/recorded.ts';
import { cursorOf, sessionOf, settle as settleIn } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';

const day = 86_400_000;
let folder: string;
let journal: Journal;
let limits: Limits;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-retention-'));
});

afterEach(async () => {
  await journal.close();
  rmSync(folder, { recursive: true });
});

describe('retention', () => {
  test('removes what every route has settled once it is old, and nothing else', async () => {
    await open({ retention: day });
    await append('old', 2 * day, 3);
    await append('young', 0, 1);
    await settle('fast', 4);
    await settle('slow', 2);
    await until(async () => (await ids()).length === 2, { what: 'two to be removed' });
    await settle('slow', 4);
    await until(async () => (await ids()).length === 1, { what: 'three to be removed', timeout: 20_000 });
  });

  test('goes in portions of 500 and 4 MiB at most, each in a turn of its own, so that intake waits for one', async () => {
    await open({});
    await append('old', 2 * day, 1_200);
    const receivedAt = Date.now() - 2 * day;
    const large = { receivedAt, json: JSON.stringify({ text: 'x'.repeat(3 * 1024 * 1024) }) };
    await journal.append([notification(large), notification(large), notification(large)]);
    await settleIn(journal, 'r', { cursor: 1_203 });
    using database = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
    const left = database.prepare('SELECT count(*) AS count, sum(length(data)) AS bytes FROM notifications');
    const seen: { count: number; bytes: number; turn: number }[] = [];
    let turn = 0;
    let immediate = setImmediate(function next() {
      turn += 1;
      immediate = setImmediate(next);
    });
    const exec = DatabaseSync.prototype.exec;
    const executed = jest.spyOn(DatabaseSync.prototype, 'exec').mockImplementation(function (this: DatabaseSync, sql) {
      exec.call(this, sql);
      const { count, bytes } = left.get() ?? {};
      if (sql === 'COMMIT' && count !== seen.at(-1)?.count)
        seen.push({ count: Number(count), bytes: Number(bytes), turn });
    });
    try {
      seen.push({ count: 1_203, bytes: Number(left.get()?.bytes), turn });
      limits = { ...limits, retention: day };
      journal.limit(limits);
      await until(() => seen.at(-1)?.count === 0, { what: 'all to be removed', timeout: 20_000 });
    } finally {
      executed.mockRestore();
      clearImmediate(immediate);
    }
    const portions = seen.slice(1).map(({ count, bytes, turn: at }, index) => ({
      rows: Number(seen[index]?.count) - count,
      isSmall: Number(seen[index]?.bytes) - bytes <= 7 * 1024 * 1024,
      isAlone: at > Number(seen[index]?.turn),
    }));
    expect(portions.map(({ rows }) => rows)).toEqual([500, 500, 202, 1]);
    expect(portions.every(({ isSmall, isAlone }) => isSmall && isAlone)).toBe(true);
  });

  test('keeps what is recorded: waiting, and dead or quarantined until it is older than that', async () => {
    await open({ retention: day });
    await append('a', 2 * day, 4);
    await settle('r', 4, [recorded(1, 'dead'), recorded(2, 'waiting'), recorded(3, 'quarantined')]);
    await until(async () => (await ids()).length === 3, { what: 'the settled one to be removed' });
    await reopen({ retention: day, deadRetention: 0 });
    const session = await sessionOf(journal, 'r');
    await until(async () => (await ids()).length === 1, { what: 'the dead ones to be removed' });
    const { waiting } = await session.due({ now: Date.now(), horizon: Date.now() + day, limit: 10, held: new Set() });
    expect(waiting.map(({ entry }) => entry.seq)).toEqual([2]);
    expect(await journal.deliveriesOf(1)).toMatchObject([{ route: 'r', outcome: 'expired' }]);
  });

  test('keeps what became of deliveries for as long from then on, and with it when nothing came in', async () => {
    await open({ retention: day });
    await append('old', 2 * day, 3);
    journal.brokerAway({ zone: 'west', broker: 'mq' }, Date.now() - 2_000, 'away', null);
    journal.brokerBack({ zone: 'west', broker: 'mq' }, Date.now() - 1_000);
    await settleIn(journal, 'r', { cursor: 3, delivered: [{ code: null, places: [1, 3], events: new Map() }] });
    await until(async () => (await ids()).length === 0, { what: 'the entries to be removed' });
    expect(await journal.deliveriesOf(2)).toHaveLength(1);
    expect(await journal.outages(0, Date.now())).toHaveLength(1);
    await reopen({ retention: 0 });
    await journal.openRoute('r', 'now');
    await until(async () => (await journal.deliveriesOf(2)).length === 0, {
      what: 'what became of them to be removed',
    });
    await until(async () => (await journal.outages(0, Date.now())).length === 0, { what: 'the outage to be removed' });
  });

  test('forgets what a route selected once none of the entries of then is left', async () => {
    await open({ retention: day });
    await append('old', 2 * day, 600);
    const select = (after: number) => journal.openRoute('r', 'earliest', 'deliver', { after });
    for (const cursor of [0, 200, 400]) {
      await settle('r', cursor);
      await select(cursor);
    }
    await append('young', 0, 1);
    expect(await journal.selections()).toHaveLength(3);
    await settle('r', 600);
    await until(async () => (await ids()).length === 1, { what: 'the old ones to be removed' });
    expect(await journal.selections()).toMatchObject([{ route: 'r', after: 400 }]);
  });

  test('keeps what operators have done for as long as dead letters, and the newest of it always', async () => {
    await open({});
    const store = operating(openOperatorStore(folder));
    for (const route of ['a', 'b', 'c']) await store.act({ who: route, from: 'here' }, { route }).pause(route);
    backdate(2 * day, 'number < 2');
    journal.limit({ ...unlimited, deadRetention: day });
    const acts = async () => (await store.acts(0, 10)).map(({ who }) => who);
    await until(async () => (await acts()).length === 2, { what: 'the old one to be removed', timeout: 20_000 });
    expect(await acts()).toEqual(['b', 'c']);
    backdate(2 * day, 'number > 1');
    journal.limit({ ...unlimited, deadRetention: day });
    await until(async () => (await acts()).length === 1, { what: 'all but the newest to be removed', timeout: 20_000 });
    expect(await acts()).toEqual(['c']);
    await store.close();
  });

  test('forgets the drift of which nothing has come for as long as dead letters are kept', async () => {
    await open({});
    const ofAge = (path: string, age: number) =>
      notification({ unknownFields: [path], receivedAt: Date.now() - age * day });
    await journal.append([ofAge('/old', 3), ofAge('/again', 3), ofAge('/again', 1), ofAge('/new', 1)]);
    const paths = async () => (await journal.summary()).drift.map(({ path }) => path).sort();
    expect(await paths()).toEqual(['/again', '/new', '/old']);
    journal.limit({ ...unlimited, deadRetention: 2 * day });
    await until(async () => (await paths()).length < 3, { what: 'the old kind to be forgotten' });
    expect(await paths()).toEqual(['/again', '/new']);
  });

  test('is held back by no route that has left the configuration', async () => {
    await open({ retention: day });
    await append('a', 2 * day, 2);
    await settle('gone', 0, [recorded(1, 'waiting')]);
    await settle('here', 2);
    await reopen({ retention: day });
    await journal.openRoute('here', 'earliest');
    await until(async () => (await ids()).length === 0, { what: 'both to be removed' });
    // Of what was removed it has nothing to catch up on.
    expect((await journal.summary()).routes).toMatchObject([{ name: 'gone', cursor: 0, lag: { messages: 0 } }, {}]);
    const session = await sessionOf(journal, 'gone', 'now');
    expect(session.cursor).toBe(0);
    const due = await session.due({ now: Date.now(), horizon: Date.now() + day, limit: 10, held: new Set() });
    expect(due).toEqual({ waiting: [], more: false });
  });

  test('keeps the dead letters of such a route, with their notifications, as long as any others', async () => {
    await open({ retention: day });
    await append('a', 2 * day, 2);
    await settle('gone', 2, [recorded(1, 'dead')]);
    await settle('here', 2);
    await reopen({ retention: day });
    await journal.openRoute('here', 'earliest');
    await until(async () => (await ids()).length === 1, { what: 'the other one to be removed' });
    await reopen({ retention: day, deadRetention: 0 });
    await journal.openRoute('here', 'earliest');
    await until(async () => (await ids()).length === 0, { what: 'the dead one to be removed' });
  });

  test('is held back no longer by a route that is released, and follows new limits', async () => {
    await open({});
    await append('a', 2 * day, 2);
    await settle('leaving', 1);
    await settle('here', 2);
    journal.limit({ ...unlimited, retention: day });
    await until(async () => (await ids()).length === 1, { what: 'the first to be removed', timeout: 20_000 });
    await journal.releaseRoute('leaving');
    await until(async () => (await ids()).length === 0, { what: 'the second to be removed', timeout: 20_000 });
    expect(await cursorOf(journal, 'leaving', 'now')).toBe(1);
  });

  test('leaves nothing for a replay that has read a notification before', async () => {
    await open({});
    await append('a', 2 * day, 2);
    await settle('r', 2);
    const store = operating(openOperatorStore(folder));
    const entries = (await Promise.all([store.entryAt(1), store.entryAt(2)])).filter((entry) => entry !== null);
    journal.limit({ ...unlimited, retention: day });
    await until(async () => (await ids()).length === 0, { what: 'both to be removed', timeout: 20_000 });
    expect(entries).toHaveLength(2);
    expect(await store.replay('r', entries)).toBe(0);
    expect(await store.waitingIn('r', 1, 2)).toBe(0);
    await store.close();
  });
});

describe('the largest size', () => {
  const maxSize = 4 * 1024 * 1024;
  const large = { json: JSON.stringify({ filler: 'x'.repeat(100_000) }) };

  test('pauses intake while nothing can be removed, and lets it go on as soon as something can', async () => {
    await open({ maxSize });
    await journal.openRoute('r', 'earliest');
    const stored = await fill(large);
    expect(stored).toBeLessThan(60);
    expect(await refusal()).toMatch(
      /has reached journal\.maxSize \(4\.0 MiB\): it is held about 3\.\d MiB by the route r, which is behind by \d+ not/,
    );
    await settleIn(journal, 'r', { cursor: stored });
    await journal.append([notification(large)]);
  });

  test('says where it is less than an empty journal takes', async () => {
    await open({ maxSize: 1_024 });
    await refusedFor(/\(1\.0 KiB\): it is empty, and takes more than that: raise journal\.maxSize$/);
  });

  test('takes at once the room of what could not be decoded and is dropped', async () => {
    await open({ maxSize });
    await journal.openRoute('r', 'earliest');
    const stored = await fill({ state: 'undecodable', event: null, json: 'null', raw: Buffer.alloc(100_000) });
    await settle('r', stored);
    await refusedFor(/it is held about 3\.\d MiB by \d+ undecodable messages: /);
    const store = operating(openOperatorStore(folder));
    await store.drop(await store.records({ states: ['undecodable'] }, 0, 1_000));
    await store.close();
    await until(async () => (await refusal()) === '', { what: 'the daemon to notice', timeout: 20_000 });
    // It goes on with the first room that there is, while the rest is removed in steps.
    const used = async () => (await journal.summary()).usedBytes;
    await until(async () => (await used()) < maxSize / 4, { what: 'all of them to be removed', timeout: 20_000 });
    expect((await journal.summary()).bytes).toBeGreaterThan(maxSize);
  });

  test('removes with an entry what became of it', async () => {
    await open({ maxSize });
    await journal.openRoute('r', 'earliest');
    const stored = await fill(large);
    const dead = Array.from({ length: stored - 1 }, (_, index) => recorded(index + 2, 'dead'));
    const delivered = [{ code: null, places: [1, 1], events: new Map() }];
    await settleIn(journal, 'r', { cursor: stored, recorded: dead, delivered });
    expect(await journal.deliveriesOf(1)).toHaveLength(1);
    // What is dead keeps it nearly full.
    await until(async () => (await journal.deliveriesOf(1)).length === 0, { what: 'what became of it to be removed' });
    expect(await ids()).toHaveLength(stored - 1);
  });

  test.each(['waiting', 'dead', 'quarantined'] as const)('takes at once what is %s no longer', async (state) => {
    await open({ maxSize });
    await journal.openRoute('r', 'earliest');
    const stored = await fill(large);
    const seqs = Array.from({ length: stored }, (_, index) => index + 1);
    await settle(
      'r',
      stored,
      seqs.map((seq) => recorded(seq, state)),
    );
    await settle('other', stored);
    await refusedFor(/it is held about 3\.\d MiB by \d+ .*the route r/);
    if (state === 'waiting') {
      await settleIn(journal, 'r', { cursor: stored, settled: seqs.map(untouched) });
    } else {
      const store = operating(openOperatorStore(folder));
      await store.drop(await store.records({ states: [state] }, 0, 1_000));
      await store.close();
      await until(async () => (await refusal()) === '', { what: 'the daemon to notice', timeout: 20_000 });
    }
    await journal.append([notification(large)]);
  });

  test('names what really holds the space, the largest first', async () => {
    await open({ maxSize });
    await journal.openRoute('behind', 'earliest');
    const stored = await fill(large);
    await settle('behind', 16);
    await settle('r', stored, [
      ...[1, 2, 3, 4].map((seq) => recorded(seq, 'dead')),
      ...Array.from({ length: 12 }, (_, index) => recorded(index + 5, 'quarantined')),
    ]);
    await refusedFor(
      /held about \d\.\d MiB by the route behind, .*; about 1\.\d MiB by 12 notifications that the route r has q[^;]*$/,
    );
  });

  test('counts what a reader pins of the write-ahead log, but removes nothing for it, names it, and shortens the log once that has gone', async () => {
    const wal = join(folder, 'journal.sqlite-wal');
    await open({ maxSize: 32 * 1024 * 1024 });
    await journal.openRoute('r', 'earliest');
    await append('settled', 0, 1);
    await settle('r', 1, [recorded(1, 'waiting')]);
    using reader = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
    reader.exec('BEGIN; SELECT count(*) FROM notifications');
    // The same pages again and again: the journal holds little.
    const body = { json: JSON.stringify({ filler: 'x'.repeat(8_000_000) }) };
    for (let seq = 2; (await refusal(body)) === ''; seq += 1) {
      await settle('r', seq);
      journal.limit({ ...limits, maxSize: 1 });
      await until(async () => (await ids()).length === 1, { what: 'it to be removed' });
      journal.limit(limits);
    }
    expect(statSync(wal).size).toBeGreaterThan(96 * 1024 * 1024);
    await settleIn(journal, 'r', { cursor: 1, settled: [untouched(1)] });
    await refusedFor(/held about \d\d\.\d MiB by the write-ahead log, which a program .* pins: end that one/);
    expect(await ids()).toHaveLength(1);
    expect((await journal.summary()).usedBytes).toBeGreaterThanOrEqual(limits.maxSize);
    reader.exec('COMMIT');
    await journal.append([notification({})]);
    expect(statSync(wal).size).toBeLessThan(1024 * 1024);
  });

  test('is kept by removing what is settled, however young it is', async () => {
    await open({ maxSize });
    await journal.openRoute('r', 'earliest');
    for (let count = 1; count <= 100; count += 1) {
      await journal.append([notification(large)]);
      await settle('r', count);
    }
    const { size } = statSync(join(folder, 'journal.sqlite'));
    expect(size).toBeLessThan(maxSize * 1.5);
  });
});

/** Appends until the journal refuses it. Returns how many it took. */
async function fill(parts: NotificationParts): Promise<number> {
  for (let stored = 0; ; stored += 1) {
    const taken = await journal.append([notification(parts)]).catch(() => null);
    if (taken === null) return stored;
  }
}

/** Why the journal takes nothing; empty where it does. */
async function refusal(parts: NotificationParts = {}): Promise<string> {
  return journal.append([notification(parts)]).then(() => '', reasonOf);
}

/** Waits until the journal takes nothing for this reason. */
async function refusedFor(reason: RegExp): Promise<void> {
  await until(async () => reason.test(await refusal()), { what: String(reason), timeout: 10_000 });
}

async function open(parts: Partial<Limits>): Promise<void> {
  limits = { ...unlimited, ...parts };
  journal = openJournal(folder, pino({ level: 'silent' }), limits, { lookEvery: 50 });
}

async function reopen(limits: Partial<Limits>): Promise<void> {
  await journal.close();
  await open(limits);
}

/** Appends notifications that came in so many milliseconds ago. */
async function append(event: string, age: number, count: number): Promise<void> {
  const receivedAt = Date.now() - age;
  await journal.append(Array.from({ length: count }, () => notification({ event, receivedAt })));
}

/** Commits what a route has settled, and has retention look at once. */
async function settle(route: string, cursor: number, lines: readonly Recorded[] = []): Promise<void> {
  await settleIn(journal, route, { cursor, recorded: lines });
  journal.limit(limits);
}

async function ids(): Promise<string[]> {
  return (await journal.find({ after: 0, limit: 100 })).map(({ header }) => header.id);
}

/** As if those acts had been done so long ago. */
function backdate(milliseconds: number, which: string): void {
  using database = new DatabaseSync(join(folder, 'journal.sqlite'), { timeout: 5_000 });
  database.exec(`UPDATE audit SET at = at - ${milliseconds} WHERE ${which}`);
}
