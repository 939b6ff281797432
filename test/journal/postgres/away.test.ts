import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Journal, JournalStore } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import type { Notification } from '../../../src/notification/notification.ts';
import { unlimited } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { until } from '../../support/until.ts';

const log = pino({ level: 'silent' });

let server: SharedPostgres;
let proxy: TestProxy;
let spool: string;
let store: JournalStore;
let journal: Journal;

beforeAll(async () => {
  server = await sharePostgres();
  proxy = await startProxy(Number(new URL(server.url).port), 'anything');
});

afterAll(async () => {
  await proxy.close();
  await server.close();
});

beforeEach(async () => {
  spool = mkdtempSync(join(tmpdir(), 'kazoo-relay-away-'));
  const url = new URL(server.url);
  url.port = String(proxy.port);
  url.searchParams.set('sslmode', 'disable');
  const schema = `away_${spool.slice(-6).toLowerCase()}`;
  store = storeAt({ url: url.href, schema, spool, spoolSize: 100 * 1024 * 1024, name: 'here' });
  journal = await store.open(unlimited, log, { lookEvery: 50 });
});

afterEach(async () => {
  await journal.close();
  rmSync(spool, { recursive: true });
});

describe('a journal whose database is away', () => {
  test.each([
    ['refuses connections', () => proxy.stop(), () => proxy.start()],
    ['answers no more', async () => proxy.freeze(), async () => proxy.thaw()],
  ])('as it %s takes what comes in, and brings it there in its order, once', async (_how, leave, comeBack) => {
    const before = some(5);
    await journal.append(before);
    await leave();
    const meanwhile = some(300);
    for (let first = 0; first < meanwhile.length; first += 50) {
      const batch = meanwhile.slice(first, first + 50);
      expect(await journal.append(batch)).toHaveLength(50);
    }
    expect(journal.degraded).toMatchObject({ spooled: 300, reason: expect.any(String) });
    await comeBack();
    const after = some(5);
    await until(async () => journal.degraded === null, { what: 'the database to be back' });
    await journal.append([...after, ...meanwhile.slice(0, 3)]);
    const all = await until(async () => atLeast(310), { what: 'all to be in the database' });
    expect(all).toHaveLength(310);
    const ids = new Set(idsOf(meanwhile.slice(3)));
    expect(all.filter((id) => ids.has(id))).toEqual([...ids]);
  });

  test('keeps the spool through a stop, and brings it there after the next start', async () => {
    await proxy.stop();
    const all = some(3);
    await journal.append(all);
    await journal.close();
    await proxy.start();
    journal = await store.open(unlimited, log, { lookEvery: 50 });
    expect(await until(async () => atLeast(3), { what: 'the spool to be in the database' })).toEqual(idsOf(all));
  });
});

async function atLeast(count: number): Promise<string[] | null> {
  const entries = await journal.find({ after: 0, limit: 1_000 });
  return entries.length >= count ? entries.map(({ header }) => header.id) : null;
}

function some(count: number): Notification[] {
  return Array.from({ length: count }, () => notification({}));
}

function idsOf(notifications: readonly Notification[]): string[] {
  return notifications.map(({ header }) => header.id);
}
