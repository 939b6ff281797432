import { existsSync } from 'node:fs';
import { accessToDatabase } from '../../common/sqlite.ts';
import type { FolderJournals } from '../folder-journals.ts';
import type { JournalStore } from '../journal.ts';
import { refuseSharedFolder } from './access.ts';
import { openCopySource } from './copy-source.ts';
import { databaseFile } from './database.ts';
import { openJournal } from './journal.ts';
import { openOperatorStore } from './operator-store.ts';
import { openJournalReader } from './reader.ts';
import { openSpool } from './spool.ts';

/** A journal in files of its own, in a folder of this machine: one daemon has it at a time. */
export function sqliteStore(folder: string): JournalStore {
  return {
    folder,
    open: async (limits, log, options) => openJournal(folder, log, limits, options),
    openReader: async () => openJournalReader(folder),
    openOperatorStore: async () => openOperatorStore(folder),
    async testAccess() {
      const found = await accessToDatabase(databaseFile(folder));
      if (existsSync(folder)) refuseSharedFolder(folder);
      return [found];
    },
    async rebuild(routes, log) {
      // Hardly any start asks for it.
      const recovery = await import('./recovery/rebuild.ts');
      recovery.rebuildJournal(folder, routes, log);
    },
  };
}

export const folderJournals: FolderJournals = { openSpool, openSource: openCopySource };
