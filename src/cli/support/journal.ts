import { loadPartialConfig, type PartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/find-file.ts';
import { openDesk } from '../../journal/open.ts';
import type { Desk } from '../../journal/operator-store.ts';
import { orExit, type Terminal } from './terminal.ts';

/** Does a command's work at the journal of the configuration; what goes wrong becomes one line and an exit code. */
export function withOperatorStore(
  terminal: Terminal,
  { config: file }: { readonly config?: string },
  work: (desk: Desk, config: PartialConfig) => Promise<void>,
): Promise<void> {
  return orExit(
    terminal,
    () => 2,
    async () => {
      const config = loadPartialConfig(findConfigFile(file, terminal.env), terminal.env);
      const desk = await openDesk(config.journal);
      try {
        await work(desk, config);
      } finally {
        await desk.close();
      }
    },
  );
}
