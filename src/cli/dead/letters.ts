import type { Command } from 'commander';
import { findConfigFile } from '../../config/load.ts';
import { loadOutline, type Outline } from '../../config/outline.ts';
import type { Desk, Entry, Letter, Letters } from '../../journal/journal.ts';
import { openDesk } from '../../journal/open.ts';
import { nearest } from '../../nearest.ts';
import { moment } from '../arguments.ts';
import { orExit } from '../exit.ts';
import { soughtEvent } from '../sought.ts';

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

/** @throws Error that suggests another name, where nothing has the route or the event */
export async function lettersOf({ route, event, since }: Selection, desk: Desk, config: Outline): Promise<Letters> {
  if (route) await checkRoute(route, desk, config);
  return {
    ...(route && { route }),
    ...(event && { event: await soughtEvent(event, config, desk) }),
    ...(since !== undefined && { since }),
  };
}

/** One that has left the configuration may have left letters behind. */
async function checkRoute(name: string, desk: Desk, { routes }: Outline): Promise<void> {
  if (routes.some((route) => route.name === name) || (await desk.cursorOf(name)) !== null) return;
  const groups = await desk.groups({});
  const names = [...new Set([...routes.map((route) => route.name), ...groups.map(({ route }) => route)])];
  if (names.includes(name)) return;
  const near = nearest(name, names);
  const hint = near === undefined ? `there are ${names.filter(Boolean).join(', ')}` : `did you mean ${near}?`;
  throw new Error(`neither the configuration nor the journal has a route ${JSON.stringify(name)}; ${hint}`);
}

/** A selection for a command that changes what it selects. */
export interface Choice extends Selection {
  readonly all?: true;
  readonly yes?: true;
}

export function choosing(command: Command): Command {
  return selecting(command).argument('[ids...]', 'as `dead list` shows them').option('--all', 'all there are');
}

/** @throws Error where something isn't there, or nothing was chosen: no command means all by saying nothing */
export async function chosenBy(ids: readonly string[], options: Choice, desk: Desk, config: Outline): Promise<Letters> {
  const which = await lettersOf(options, desk, config);
  for (const id of ids) await entryOf(id, desk);
  if (ids.length > 0) return { ...which, ids };
  if (options.all || Object.keys(which).length > 0) return which;
  throw new Error('say which ones: ids, --route, --event, --since or --all');
}

/** @throws Error where the journal doesn't have it */
export async function entryOf(id: string, desk: Desk): Promise<Entry> {
  const entry = await desk.entry(id);
  if (entry !== null) return entry;
  throw new Error(`the journal has no notification ${JSON.stringify(id)}; "kazoo-relay dead list" shows the ids`);
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
  work: (desk: Desk, config: Outline) => Promise<void>,
): Promise<void> {
  return orExit(
    () => 2,
    async () => {
      const config = loadOutline(findConfigFile(file));
      const desk = await openDesk(config.journal);
      try {
        await work(desk, config);
      } finally {
        await desk.close();
      }
    },
  );
}
