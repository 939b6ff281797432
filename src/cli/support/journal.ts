import { loadPartialConfig, type PartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/find-file.ts';
import { storeAt } from '../../journal/open.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import { orExit, type Terminal } from './terminal.ts';

/** Does a command's work at the journal of the configuration; what goes wrong becomes one line and an exit code. */
export function withOperatorStore(
  terminal: Terminal,
  { config: file }: { readonly config?: string },
  work: (store: OperatorStore, config: PartialConfig) => Promise<void>,
): Promise<void> {
  return orExit(
    terminal,
    () => 2,
    async () => {
      const config = loadPartialConfig(findConfigFile(file, terminal.env), terminal.env);
      const store = await storeAt(config.journal).openOperatorStore();
      try {
        await work(store, config);
      } finally {
        await store.close();
      }
    },
  );
}
