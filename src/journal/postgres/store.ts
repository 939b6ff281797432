import type { FolderJournals } from '../folder-journals.ts';
import type { JournalStore } from '../journal.ts';
import type { SharedLocation } from '../location.ts';

/**
 * A journal in a schema of a PostgreSQL database, which several daemons share. What it needs is loaded with its first use.
 * @param folders what it needs of a journal in a folder of this machine
 */
export function postgresStore(location: SharedLocation, folders: FolderJournals): JournalStore {
  return {
    async open(limits, log, options) {
      const { openJournal } = await import('./journal.ts');
      // It is this daemon's alone, and tells another one on this machine.
      const spool = folders.openSpool(location.spool, location.spoolSize, log);
      return openJournal(location, spool, limits, log, options);
    },
    async openReader() {
      const { openReader } = await import('./beside.ts');
      return openReader(location);
    },
    async openOperatorStore() {
      const { openOperatorStore } = await import('./beside.ts');
      return openOperatorStore(location);
    },
    async testAccess() {
      const { testAccess } = await import('./access.ts');
      return testAccess(location);
    },
    async copyFrom(folder, copying) {
      // Hardly anybody moves a journal.
      const { copyInto } = await import('./copy/copy.ts');
      return copyInto(location, () => folders.openSource(folder), copying);
    },
  };
}
