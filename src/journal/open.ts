import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Journal, Limits } from './journal.ts';
import type { OperatorStore } from './operator-store.ts';
import type { JournalReader } from './reader.ts';
import { refuseSharedFolder } from './sqlite/access.ts';
import { openJournal as openSqlite, openJournalReader as openSqliteReader } from './sqlite/journal.ts';
import { openOperatorStore as openSqliteOperatorStore } from './sqlite/operator-store.ts';

/** Where the configuration has the journal. */
export interface StoreLocation {
  readonly path: string;
}

/*
 * The doors to the journal: nobody outside of this room knows what store it is in. They are asynchronous because one
 * that several daemons share is reached over a network.
 */

/**
 * Opens it for a daemon.
 * @throws JournalError when another daemon has it, it is newer than this program, or it can't be used
 */
export async function openJournal({ path, ...limits }: StoreLocation & Limits, log: Logger): Promise<Journal> {
  return openSqlite(path, log, limits);
}

/** Looks whether a daemon would take the folder, where it is there. @throws JournalError */
export async function examineJournal({ path }: StoreLocation): Promise<void> {
  if (existsSync(path)) refuseSharedFolder(path);
}

/** Opens it for reading, beside a daemon or without one. @throws JournalError */
export async function openJournalReader({ path }: StoreLocation): Promise<JournalReader> {
  return openSqliteReader(path);
}

/** Opens it for an operator's decisions, beside a daemon or without one. @throws JournalError */
export async function openOperatorStore({ path }: StoreLocation): Promise<OperatorStore> {
  return openSqliteOperatorStore(path);
}

/** Where it is damaged, makes a new one of what can be read. @param routes of the configuration @throws JournalError */
export async function rebuildJournal({ path }: StoreLocation, routes: readonly string[], log: Logger): Promise<void> {
  // Hardly any start asks for it.
  const recovery = await import('./sqlite/recovery/rebuild.ts');
  recovery.rebuildJournal(path, routes, log);
}
