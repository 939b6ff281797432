import type { JournalStore } from './journal.ts';
import type { StoreLocation } from './location.ts';
import { postgresStore } from './postgres/store.ts';
import { folderJournals, sqliteStore } from './sqlite/store.ts';

export { folderJournals };

/** The store of a journal, which isn't opened by that. */
export function storeAt(location: StoreLocation): JournalStore {
  return location.url === undefined ? sqliteStore(location.path) : postgresStore(location, folderJournals);
}
