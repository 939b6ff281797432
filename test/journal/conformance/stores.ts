import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { Journal, JournalStore } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import { openJournal } from '../../support/journal.ts';

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

/** Those that have to pass. */
export const stores: readonly (readonly [name: string, make: () => Promise<TestStore>])[] = [['SQLite', sqlite]];

async function sqlite(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-conformance-'));
  return {
    store: storeAt({ path: folder }),
    open: () => openJournal(folder, log, undefined, { lookEvery }),
    remove: async () => rmSync(folder, { recursive: true }),
  };
}
