import type { JournalStore } from '../journal.ts';
import type { SharedLocation } from '../open.ts';

/** A journal in a schema of a PostgreSQL database, which several daemons share. What it needs is loaded with its first use. */
export function postgresStore(location: SharedLocation): JournalStore {
  return {
    async open(limits, log, options) {
      const { openJournal } = await import('./journal.ts');
      return openJournal(location, limits, log, options);
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
      return copyInto(location, folder, copying);
    },
  };
}
