import type { Logger } from 'pino';
import type { Journal, Limits } from '../../src/journal/journal.ts';
import { storeAt } from '../../src/journal/open.ts';
import type { OpenedReader } from '../../src/journal/reader.ts';

export const unlimited: Limits = {
  retention: Number.POSITIVE_INFINITY,
  deadRetention: Number.POSITIVE_INFINITY,
  maxSize: Number.POSITIVE_INFINITY,
  invalidShare: 1,
};

/** As a daemon opens it. @param lookEvery milliseconds between looks for what operators have changed */
export function openJournal(folder: string, log: Logger, limits = unlimited, lookEvery = 1_000): Promise<Journal> {
  return storeAt({ path: folder }).open(limits, log, lookEvery);
}

export function openJournalReader(folder: string): Promise<OpenedReader> {
  return storeAt({ path: folder }).openReader();
}
