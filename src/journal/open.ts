import type { JournalStore } from './journal.ts';
import { sqliteStore } from './sqlite/store.ts';

/** Where the configuration has the journal. */
export interface StoreLocation {
  readonly path: string;
}

/** The store of a journal, which isn't opened by that. */
export function storeAt({ path }: StoreLocation): JournalStore {
  return sqliteStore(path);
}
