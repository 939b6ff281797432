import { askDaemon } from '../../ops/control.ts';
import type { Terminal } from './terminal.ts';

/**
 * What was made due waits for no next probe, where the daemon runs and a sink is away; says of which routes that is so.
 * @param folder of the journal
 * @param route the only one that is meant
 * @throws Error where the daemon doesn't answer
 */
export async function tryNow(terminal: Terminal, folder: string, route: string | undefined): Promise<void> {
  // What answers on the daemon's socket is a daemon of this very version, or nearly.
  const answer = (await askDaemon(folder, 'try', route)) as readonly string[] | { readonly error: string } | null;
  if (answer === null) return;
  if ('error' in answer) throw new Error(`no sink that is away is tried before its time: ${answer.error}`);
  for (const name of answer) await terminal.print(`the sink of ${name} is away: it is tried now`);
}
