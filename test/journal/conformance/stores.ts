import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { Journal, JournalStore } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import { openJournal, unlimited } from '../../support/journal.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

/** An empty journal, and how it is got rid of. Nothing else is known of it but what every store can do. */
export interface TestStore {
  readonly store: JournalStore;
  open(): Promise<Journal>;
  remove(): Promise<void>;
}

/** What the parts of this suite are about: another one for each test. */
export interface Tested {
  readonly journal: Journal;
  readonly store: TestStore['store'];
  /** As a daemon that ends and is started again. */
  reopen(): Promise<void>;
}

const log = pino({ level: 'silent' });

/** Short, so that no test waits for what an operator does. */
const lookEvery = 50;

/** Those that have to pass; what all tests of one share is made before the first of them. */
export const stores: readonly (readonly [name: string, prepare: () => Promise<Prepared>])[] = [
  ['SQLite', async () => ({ make: sqlite, close: async () => undefined })],
  ['PostgreSQL', postgres],
];

interface Prepared {
  make(): Promise<TestStore>;
  close(): Promise<void>;
}

async function sqlite(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-conformance-'));
  return {
    store: storeAt({ path: folder }),
    open: () => openJournal(folder, log, undefined, { lookEvery }),
    remove: async () => rmSync(folder, { recursive: true }),
  };
}

/** A schema of its own for each test. */
async function postgres(): Promise<Prepared> {
  const shared = await sharePostgres();
  return { make: async () => schemaOf(shared), close: shared.close };
}

function schemaOf({ url }: SharedPostgres): TestStore {
  const spool = mkdtempSync(join(tmpdir(), 'kazoo-relay-spool-'));
  const name = `test_${randomUUID().slice(0, 8)}`;
  const store = storeAt({ url, schema: name, spool, spoolSize: 1e9, name });
  return {
    store,
    open: () => store.open(unlimited, log, { lookEvery }),
    remove: async () => rmSync(spool, { recursive: true }),
  };
}
