import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { Journal, JournalStore } from '../../../src/journal/journal.ts';
import { storeAt } from '../../../src/journal/open.ts';
import { openJournal, unlimited } from '../../support/journal.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import type { SharedPostgres } from '../../support/postgresql.ts';

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

/** Long, so that a machine that has much to do costs no test its route. */
const leaseTtl = 60_000;

/** Makes journals. */
export interface Prepared {
  make(): Promise<TestStore>;
  close(): Promise<void>;
}

export async function sqlite(): Promise<Prepared> {
  return { make: makeFolder, close: async () => undefined };
}

async function makeFolder(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-conformance-'));
  return {
    store: storeAt({ path: folder }),
    open: () => openJournal(folder, log, undefined, { lookEvery }),
    remove: async () => rmSync(folder, { recursive: true }),
  };
}

/** One schema for all tests: to make its tables takes longer than most of them. */
export async function postgres(server: () => Promise<Pick<SharedPostgres, 'url' | 'close'>>): Promise<Prepared> {
  const shared = await server();
  const tables = await makeTables(shared.url);
  const asMade = await contentOf(tables);
  return {
    async make() {
      await fill(tables, asMade);
      return storeIn(shared.url, tables.schema);
    },
    async close() {
      await tables.close();
      await shared.close();
    },
  };
}

function storeIn(url: string, schema: string): TestStore {
  const spool = mkdtempSync(join(tmpdir(), 'kazoo-relay-spool-'));
  const store = storeAt({ url, schema, spool, spoolSize: 1e9, name: 'tested' });
  return {
    store,
    open: () => store.open(unlimited, log, { lookEvery, leaseTtl }),
    remove: async () => rmSync(spool, { recursive: true }),
  };
}

/** The rows of each table, as JSON. */
type Content = ReadonlyMap<string, string>;

async function contentOf(tables: Tables): Promise<Content> {
  const names = await tables.values(`
    SELECT relname::text FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`);
  const rowsOf = async (name: string) =>
    String((await tables.values(`SELECT coalesce(json_agg(t), '[]')::text FROM ${name} t`))[0]);
  return new Map(await Promise.all(names.map(async (name) => [String(name), await rowsOf(String(name))] as const)));
}

/** What was in them before goes. */
function fill(tables: Tables, content: Content): Promise<void> {
  return tables.transaction(async (within) => {
    // No table waits for another one that it refers to.
    await within.query('SET LOCAL session_replication_role = replica');
    for (const [name, rows] of content) {
      await within.query(`DELETE FROM ${name}`);
      if (rows !== '[]')
        await within.query(`INSERT INTO ${name} SELECT * FROM json_populate_recordset(NULL::${name}, $1)`, [rows]);
    }
  });
}
