import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { findConfigFile, loadConfig } from '../../config/load.ts';
import type { Desk, Letter, Letters } from '../../journal/journal.ts';
import { openDesk } from '../../journal/open.ts';
import { moment } from '../arguments.ts';
import { orExit } from '../exit.ts';

/** What chooses letters on the command line. */
export interface Selection {
  readonly config?: string;
  readonly route?: string;
  readonly event?: string;
  readonly since?: number;
}

export function selecting(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('-r, --route <name>', 'only of this route')
    .option('-e, --event <name>', 'only this event')
    .option('--since <when>', 'only what came in since then: 30m, 2h, 7d, or 2026-11-24T08:00:00Z', moment);
}

export function lettersOf({ route, event, since }: Selection): Letters {
  return { ...(route && { route }), ...(event && { event }), ...(since !== undefined && { since }) };
}

/** A selection for a command that changes what it selects. */
export interface Choice extends Selection {
  readonly all?: true;
  readonly yes?: true;
}

export function choosing(command: Command): Command {
  return selecting(command).argument('[ids...]', 'as `dead list` shows them').option('--all', 'all there are');
}

/** @throws Error where nothing was chosen: no command means all by saying nothing */
export function chosenBy(ids: readonly string[], options: Choice): Letters {
  const which = lettersOf(options);
  if (ids.length > 0) return { ...which, ids };
  if (options.all || Object.keys(which).length > 0) return which;
  throw new Error('say which ones: ids, --route, --event, --since or --all');
}

/** Lines that are in memory at a time. */
const pageSize = 500;

export async function* pagesOf(desk: Desk, which: Letters): AsyncGenerator<Letter[]> {
  for (let after = 0; ; ) {
    const page = await desk.letters(which, after, pageSize);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.number;
  }
}

/** Does a command's work at the journal of the configuration; what goes wrong becomes one line and an exit code. */
export function atDesk(
  { config: file }: Pick<Selection, 'config'>,
  work: (desk: Desk, config: Config) => Promise<void>,
): Promise<void> {
  return orExit(
    () => 2,
    async () => {
      const config = loadConfig(findConfigFile(file));
      const desk = await openDesk(config.journal);
      try {
        await work(desk, config);
      } finally {
        await desk.close();
      }
    },
  );
}
