import type { Command } from 'commander';
import { hintFor } from '../../../common/text/did-you-mean.ts';
import { loadOutline, type Outline } from '../../../config/outline.ts';
import { findConfigFile } from '../../../config/read/find-file.ts';
import { storeAt } from '../../../journal/open.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
import { moment } from '../arguments.ts';
import { orExit } from '../exit.ts';
import { soughtEntry, soughtEvent } from '../sought.ts';
import type { Terminal } from '../terminal.ts';
import type { Kind } from './kind.ts';

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

/** True where a selection leaves some out. */
function isNarrow({ route, event, since }: Pick<Selection, 'route' | 'event' | 'since'>): boolean {
  return Boolean(route) || Boolean(event) || since !== undefined;
}

/** What every command of a kind says where a selection, other than by ids, holds nothing. */
export function nothingIn(which: DeliveryFilter, { none }: Kind): string {
  return isNarrow(which) ? `of these, ${none}` : none;
}

/** @throws Error that suggests another name, where nothing has the route or the event */
export async function filterOf(
  { route, event, since }: Selection,
  { states }: Kind,
  store: OperatorStore,
  config: Outline,
): Promise<DeliveryFilter> {
  if (route) await checkRoute(route, store, config);
  return {
    states,
    ...(route && { route }),
    ...(event && { event: await soughtEvent(event, config, store) }),
    ...(since !== undefined && { since }),
  };
}

/** One that has left the configuration may have left letters behind. */
async function checkRoute(name: string, store: OperatorStore, { routes }: Outline): Promise<void> {
  if (routes.some((route) => route.name === name)) return;
  const summary = await store.summary();
  const names = [...new Set([...routes, ...summary.routes].map((route) => route.name))];
  if (names.includes(name)) return;
  const hint = hintFor(name, names, `there are ${names.join(', ')}`);
  throw new Error(`neither the configuration nor the journal has a route ${JSON.stringify(name)}${hint}`);
}

/** A selection for a command that changes what it selects. */
export interface Choice extends Selection {
  readonly all?: true;
  readonly yes?: true;
}

export function choosing(command: Command, { name }: Kind): Command {
  return selecting(command).argument('[ids...]', `as \`${name} list\` shows them`).option('--all', 'all there are');
}

/** @throws Error where something isn't there, or nothing was chosen: no command means all by saying nothing */
export async function chosenBy(
  ids: readonly string[],
  options: Choice,
  kind: Kind,
  store: OperatorStore,
  config: Outline,
): Promise<DeliveryFilter> {
  const which = await filterOf(options, kind, store, config);
  for (const id of ids) await soughtEntry(id, store, listing(kind));
  if (ids.length > 0) return { ...which, ids };
  if (options.all || isNarrow(options)) return which;
  throw new Error('say which ones: ids, --route, --event, --since or --all');
}

/** The command that shows ids. */
export function listing({ name }: Kind): string {
  return `${name} list`;
}

/** Lines that are in memory at a time. */
const pageSize = 500;

export async function* pagesOf(store: OperatorStore, which: DeliveryFilter): AsyncGenerator<DeliveryRecord[]> {
  for (let after = 0; ; ) {
    const page = await store.records(which, after, pageSize);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.number;
  }
}

/** Does a command's work at the journal of the configuration; what goes wrong becomes one line and an exit code. */
export function withOperatorStore(
  terminal: Terminal,
  { config: file }: Pick<Selection, 'config'>,
  work: (store: OperatorStore, config: Outline) => Promise<void>,
): Promise<void> {
  return orExit(
    terminal,
    () => 2,
    async () => {
      const config = loadOutline(findConfigFile(file, terminal.env), terminal.env);
      const store = await storeAt(config.journal).openOperatorStore();
      try {
        await work(store, config);
      } finally {
        await store.close();
      }
    },
  );
}
