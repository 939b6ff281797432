import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pino from 'pino';
import type { JournalStore } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import { unlimited } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { startPgBouncer, type TestPgBouncer } from '../../support/pgbouncer.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';

const log = pino({ level: 'silent' });

let server: SharedPostgres;
let pgbouncer: TestPgBouncer | undefined;
let proxy: TestProxy | undefined;
let folder: string;

beforeEach(async () => {
  server = await sharePostgres();
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-pooled-'));
});

afterEach(async () => {
  await pgbouncer?.close();
  await proxy?.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

test.each(['transaction', 'statement'] as const)(
  'a PgBouncer in %s mode is refused by check --connect and by the start, and nothing is made there',
  async (mode) => {
    // As many as one daemon has: each of its connections could get one of its own, by chance.
    const store = await storeBehind(mode, 20);
    const cure = 'use pool_mode = session, or connect without it';
    await expect(store.testAccess()).rejects.toThrow(cure);
    const start = async () => (await store.open(unlimited, log)).close();
    await expect(start()).rejects.toThrow(cure);
    expect(await server.query("SELECT FROM pg_namespace WHERE nspname = 'pooled'")).toEqual([]);
  },
);

test('a PgBouncer in session mode whose server is away is away, too: the start goes on without it', async () => {
  const url = new URL(server.url);
  proxy = await startProxy(Number(url.port), 'anything');
  url.port = String(proxy.port);
  const store = await storeBehind('session', 20, url.href);
  await proxy.stop();
  const journal = await store.open(unlimited, log);
  expect(journal.degraded).toMatchObject({ state: 'away' });
  expect(await journal.append([notification({})])).toHaveLength(1);
  await journal.close();
});

test('a PgBouncer in session mode works', async () => {
  const store = await storeBehind('session', 20);
  expect(await store.testAccess()).toContainEqual(expect.stringContaining('answers'));
  const journal = await store.open(unlimited, log);
  const place = await journal.openRoute('r', 'now');
  expect(await journal.append([notification({}), notification({})])).toHaveLength(2);
  await (await place.session()).close();
  await journal.close();
});

type Mode = 'session' | 'transaction' | 'statement';

async function storeBehind(mode: Mode, pool: number, url = server.url): Promise<JournalStore> {
  pgbouncer = await startPgBouncer(url, mode, pool);
  const spool = join(folder, 'spool');
  return storeAt({ url: pgbouncer.url, schema: 'pooled', spool, spoolSize: 1e9, name: 'here' });
}
