import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { openDesk } from '../../src/journal/desk.ts';
import type { Journal, Limits, Listed } from '../../src/journal/journal.ts';
import { unlimited } from '../../src/journal/retention.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { listed } from '../support/listed.ts';
import { notification } from '../support/notification.ts';
import { until } from '../support/until.ts';

const day = 86_400_000;
let folder: string;
let journal: Journal;

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

  test('keeps what is listed: waiting, and dead or quarantined until it is older than that', async () => {
    await open({ retention: day });
    await append('a', 2 * day, 4);
    await settle('r', 4, [listed(1, 'dead'), listed(2, 'waiting'), listed(3, 'quarantined')]);
    await until(async () => (await ids()).length === 3, { what: 'the settled one to be removed' });
    await reopen({ retention: day, deadRetention: 0 });
    await journal.openRoute('r', 'earliest');
    await until(async () => (await ids()).length === 1, { what: 'the dead ones to be removed' });
    expect((await journal.due('r', Date.now(), Date.now() + day, 10)).map(({ entry }) => entry.seq)).toEqual([2]);
  });

  test('is held back by no route that has left the configuration', async () => {
    await open({ retention: day });
    await append('a', 2 * day, 2);
    await settle('gone', 0, [listed(1, 'waiting')]);
    await settle('here', 2);
    await reopen({ retention: day });
    await journal.openRoute('here', 'earliest');
    await until(async () => (await ids()).length === 0, { what: 'both to be removed' });
    // Of what was removed it has nothing to catch up on.
    expect((await journal.summary()).routes).toMatchObject([{ name: 'gone', cursor: 0, lag: { messages: 0 } }, {}]);
    expect(await journal.openRoute('gone', 'now')).toBe(0);
    expect(await journal.due('gone', Date.now(), Date.now() + day, 10)).toEqual([]);
  });

  test('keeps the dead letters of such a route, with their notifications, as long as any others', async () => {
    await open({ retention: day });
    await append('a', 2 * day, 2);
    await settle('gone', 2, [listed(1, 'dead')]);
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
    journal.releaseRoute('leaving');
    await until(async () => (await ids()).length === 0, { what: 'the second to be removed', timeout: 20_000 });
    expect(await journal.openRoute('leaving', 'now')).toBe(1);
  });

  test('leaves nothing for a replay that has read a notification before', async () => {
    await open({});
    await append('a', 2 * day, 2);
    await settle('r', 2);
    const desk = openDesk(folder);
    const entries = (await Promise.all([desk.entryAt(1), desk.entryAt(2)])).filter((entry) => entry !== null);
    journal.limit({ ...unlimited, retention: day });
    await until(async () => (await ids()).length === 0, { what: 'both to be removed', timeout: 20_000 });
    expect(entries).toHaveLength(2);
    expect(await desk.replay('r', entries)).toBe(0);
    expect(await desk.waitingIn('r', 1, 2)).toBe(0);
    await desk.close();
  });
});

describe('the largest size', () => {
  const maxSize = 4 * 1024 * 1024;
  const large = { json: JSON.stringify({ filler: 'x'.repeat(100_000) }) };

  test('pauses intake while nothing can be removed, and lets it go on as soon as something can', async () => {
    await open({ maxSize });
    await journal.openRoute('r', 'earliest');
    let stored = 0;
    await expect(
      (async () => {
        for (; stored < 1_000; stored += 1) await journal.append([notification(large)]);
      })(),
    ).rejects.toThrow(/has reached journal.maxSize, and nothing in it is settled/);
    expect(stored).toBeLessThan(60);
    journal.settle('r', { cursor: stored, listed: [], settled: [] });
    await until(
      () =>
        journal.append([notification(large)]).then(
          () => true,
          () => false,
        ),
      { what: 'room again', timeout: 20_000 },
    );
  });

  test('is kept by removing what is settled, however young it is', async () => {
    await open({ maxSize });
    await journal.openRoute('r', 'earliest');
    for (let count = 1; count <= 300; count += 1) {
      await until(
        () =>
          journal.append([notification(large)]).then(
            () => true,
            () => false,
          ),
        { what: 'room', timeout: 20_000 },
      );
      journal.settle('r', { cursor: count, listed: [], settled: [] });
    }
    const { size } = statSync(join(folder, 'journal.sqlite'));
    expect(size).toBeLessThan(maxSize * 1.5);
  });
});

async function open(limits: Partial<Limits>): Promise<void> {
  journal = openJournal(folder, pino({ level: 'silent' }), { ...unlimited, ...limits });
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

async function settle(route: string, cursor: number, lines: readonly Listed[] = []): Promise<void> {
  await journal.openRoute(route, 'earliest');
  journal.settle(route, { cursor, listed: lines, settled: [] });
}

async function ids(): Promise<string[]> {
  return (await journal.find({ after: 0, limit: 100 })).map(({ id }) => id);
}
