import type { Logger } from 'pino';
import type { Journal, Limits, OpenOptions } from '../../src/journal/journal.ts';
import { folderJournals, storeAt } from '../../src/journal/open.ts';
import type { OperatorStore } from '../../src/journal/operator-store.ts';
import type { OpenedReader } from '../../src/journal/reader.ts';

export { folderJournals };

export const unlimited: Limits = {
  retention: Number.POSITIVE_INFINITY,
  deadRetention: Number.POSITIVE_INFINITY,
  maxSize: Number.POSITIVE_INFINITY,
  invalidShare: 1,
};

/** As a daemon opens it. */
export function openJournal(folder: string, log: Logger, limits = unlimited, options?: OpenOptions): Promise<Journal> {
  return storeAt({ path: folder }).open(limits, log, options);
}

export function openJournalReader(folder: string): Promise<OpenedReader> {
  return storeAt({ path: folder }).openReader();
}

export function openOperatorStore(folder: string): Promise<OperatorStore> {
  return storeAt({ path: folder }).openOperatorStore();
}
