import { hostname, userInfo } from 'node:os';
import { loadPartialConfig, type PartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import type { Operator, OperatorStore } from '../../journal/operator-store.ts';
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
      await withOpen(storeAt(config.journal).openOperatorStore(), (store) => work(store, config));
    },
  );
}

/** Works with something opened, and closes it whatever the result. */
export async function withOpen<S extends { close(): Promise<void> }, T>(
  opening: Promise<S>,
  work: (opened: S) => Promise<T>,
): Promise<T> {
  const opened = await opening;
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** Who runs the command, and from where: the user behind sudo, and the machine behind SSH. */
export function operatorOf(env: NodeJS.ProcessEnv): Operator {
  const [client] = env.SSH_CONNECTION?.split(' ') ?? [];
  const place = hostname();
  return { who: env.SUDO_USER || userName(), from: client ? `${place}, by SSH from ${client}` : place };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`; // who has no name
  }
}
