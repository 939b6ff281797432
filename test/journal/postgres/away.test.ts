import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../../src/common/messages.ts';
import { type Journal, JournalError, type JournalStore } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import { newestVersion } from '../../../src/journal/postgres/migrate.ts';
import type { Notification } from '../../../src/notification/notification.ts';
import { interestOf } from '../../../src/routes/match.ts';
import { unlimited } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { until } from '../../support/until.ts';

const logged: { level: number; msg: string; reason?: string }[] = [];
const log = pino({ level: 'info' }, { write: (text: string) => void logged.push(JSON.parse(text)) });
const everything = interestOf({ events: ['*'], accounts: ['*'] });

/** How it goes away, and comes back. */
const ways: [string, () => Promise<void>, () => Promise<void>][] = [
  ['refuses connections', () => proxy.stop(), () => proxy.start()],
  ['answers no more', async () => proxy.freeze(), async () => proxy.thaw()],
];

let server: SharedPostgres;
let proxy: TestProxy;
let spool: string;
let schema: string;
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
  schema = `away_${spool.slice(-6).toLowerCase()}`;
  store = storeAt({ url: url.href, schema, spool, spoolSize: 100 * 1024 * 1024, name: 'here' });
  journal = await open();
});

afterEach(async () => {
  await journal.close();
  rmSync(spool, { recursive: true });
});

describe('a journal whose database is away', () => {
  test.each(ways)(
    'as it %s takes what comes in, and brings it there in its order, once',
    async (_how, leave, comeBack) => {
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
    },
  );

  test('keeps the spool through a stop, and brings it there after the next start', async () => {
    await proxy.stop();
    const all = some(3);
    await journal.append(all);
    await journal.close();
    await proxy.start();
    journal = await open();
    expect(await until(async () => atLeast(3), { what: 'the spool to be in the database' })).toEqual(idsOf(all));
  });
});

describe('a journal whose database is away when its daemon starts', () => {
  beforeEach(() => journal.close());

  test.each(ways)('as it %s takes what comes in, behind the place of a new route', async (_how, leave, comeBack) => {
    await leave();
    journal = await open();
    const place = await journal.openRoute('fresh', 'now');
    const all = some(120);
    for (const half of [all.slice(0, 60), all.slice(60)]) expect(await journal.append(half)).toHaveLength(60);
    expect(journal.degraded).toMatchObject({ state: 'away', spooled: 120, reason: expect.any(String) });
    expect(journal.trouble).toBeNull();
    expect(journal.clock).toMatchObject({ isTrusted: false, doubt: null });
    await expect(journal.summary()).rejects.toThrow(JournalError);
    await comeBack();
    const session = await place.session();
    await until(async () => journal.degraded === null, { what: 'the spool to be empty' });
    const { entries } = await session.read(session.cursor, 1_000, everything);
    expect(entries.map(({ header }) => header.id)).toEqual(idsOf(all));
    const { daemons } = await journal.summary();
    expect(daemons.filter(({ lives }) => lives)).toMatchObject([{ name: 'here' }]);
    expect(logged.filter(({ level }) => level >= 40)).toMatchObject([
      { msg: messages.databaseAway, reason: expect.stringMatching(/can't be reached|is away|no answer/) },
    ]);
    expect(logged.map(({ msg }) => msg)).toContain(messages.databaseBack);
  });

  test('says at once that it is away, though nothing comes in, and that it is back', async () => {
    await proxy.stop();
    journal = await open();
    expect(journal.degraded).toMatchObject({ state: 'away', spooled: 0 });
    await proxy.start();
    await until(async () => journal.degraded === null, { what: 'the database to be back' });
  });

  test('can be closed while it waits, and a route that waits is told', async () => {
    proxy.freeze();
    journal = await open();
    const waiting = (await journal.openRoute('fresh', 'now')).session();
    const refused = expect(waiting).rejects.toThrow('the journal was closed');
    await journal.close();
    await refused;
    proxy.thaw();
    journal = await open();
  });

  test('takes nothing more where the database is there and can’t be used, says why once, and goes on once it can', async () => {
    await proxy.stop();
    journal = await open();
    await journal.append(some(3));
    await server.query(`UPDATE ${schema}.version SET version = 99`);
    await proxy.start();
    await until(async () => journal.trouble, { what: 'the trouble' });
    expect(journal.trouble).toContain('was written by a newer kazoo-relay');
    await expect(journal.append(some(1))).rejects.toThrow('was written by a newer kazoo-relay');
    await server.query(`UPDATE ${schema}.version SET version = ${newestVersion}`);
    await until(async () => journal.trouble === null && journal.degraded === null, { what: 'the end of the trouble' });
    expect(await atLeast(3)).toHaveLength(3);
    expect(logged.filter(({ level }) => level === 50)).toMatchObject([{ msg: messages.databaseUnusable }]);
  });
});

test('a database that is there and can’t be used ends the start, and leaves the spool to the next one', async () => {
  await journal.close();
  await server.query(`UPDATE ${schema}.version SET version = 99`);
  for (let start = 0; start < 2; start += 1) await expect(open()).rejects.toThrow('was written by a newer kazoo-relay');
  // Nothing goes on behind it.
  expect(logged).toEqual([]);
  await server.query(`UPDATE ${schema}.version SET version = ${newestVersion}`);
  journal = await open();
});

/** What a daemon writes into its log. */
function open(): Promise<Journal> {
  logged.length = 0;
  return store.open(unlimited, log, { lookEvery: 50 });
}

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
