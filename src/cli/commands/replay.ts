import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import type { TimeZoneOption } from '../../common/text/times.ts';
import { loadPartialConfig, type PartialRouteConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import type { ActSelection, OperatorStore } from '../../journal/operator-store.ts';
import type { Entry } from '../../notification/entry.ts';
import { entriesInRange, type TimeRange } from '../../relay/replay.ts';
import { shape } from '../../routes/shape.ts';
import { list, withTimeZone, withWide } from '../support/args.ts';
import { isDaemonRunning, probeNow } from '../support/daemon-client.ts';
import { tellPauses } from '../support/deliveries/messages.ts';
import { operatorOf, withOpen } from '../support/journal.ts';
import { findRoute, resolveEvents } from '../support/lookup.ts';
import { namedEntries } from '../support/replay.ts';
import { type Column, Table } from '../support/table.ts';
import { notifications, orExit, progressBar, type Terminal } from '../support/terminal.ts';
import { type Moment, moment, momentHelp } from '../support/times.ts';

interface Options {
  readonly config?: string;
  readonly route: string;
  readonly since?: Moment;
  readonly until?: Moment;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
  readonly dryRun?: true;
  readonly json?: true;
}

/** Between looks at how many are left, in milliseconds. */
const pollInterval = 500;

/** Looks after which the daemon is asked whether it still runs. */
const looksPerQuestion = 4;

export function replayCommand(terminal: Terminal): Command {
  return withWide(withTimeZone(new Command('replay'), terminal), terminal)
    .description('deliver a span of history, or single notifications, to a route again')
    .argument('[ids...]', 'single notifications, as `tail --json` shows them')
    .requiredOption('-r, --route <name>', 'the route')
    .option('--since <when>', `all that were received since then: ${momentHelp}`, moment)
    .option('--until <when>', 'and before then', moment)
    .option('-e, --events <names>', 'only these: names and globs, separated by commas, or repeated', list)
    .option('-a, --accounts <ids>', 'only these accounts, separated by commas, or repeated', list)
    .option('--dry-run', 'print how many and which, and deliver nothing')
    .option('--json', 'with --dry-run: print envelopes, one a line')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((ids: string[], options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => replay(terminal, ids, options),
      ),
    );
}

const help = `
The route's own selection applies. What the route hasn't reached yet, and what waits already, is left as it is, because it will be
delivered anyway; the command says how many. If the daemon runs, it delivers at once, and the command waits for it: Ctrl-C ends
only the waiting.
Exit code: 0 done, or nothing to do, 2 not done.

Examples:
  kazoo-relay replay --route crm --since 2d --dry-run
  kazoo-relay replay --route crm --since 2026-11-20T00:00:00Z --until 2026-11-21T00:00:00Z --events 'voicemail_*'
  kazoo-relay replay --route crm 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55`;

async function replay(terminal: Terminal, ids: readonly string[], options: Options): Promise<void> {
  const wanted = ids.length === 0 ? rangeOf(options, terminal) : idsAlone(ids, options);
  const config = loadPartialConfig(findConfigFile(options.config, terminal.env), terminal.env);
  const route = findRoute(options.route, config.routes);
  await withOpen(storeAt(config.journal).openOperatorStore(), async (store) => {
    const cursor = await store.cursorOf(route.name);
    if (cursor === null)
      throw new Error(`the journal doesn't know the route ${route.name} yet: nothing was delivered by it`);
    if (options.events !== undefined) await resolveEvents(options.events, config, store);
    const source = await sourceOf(wanted, store, route, cursor);
    const about = { route: route.name, ...('since' in wanted ? wanted : { ids: wanted }) };
    if (options.dryRun) await rehearse(terminal, source, route.name, options);
    else await perform(terminal, source, store, route.name, config.journal.path, about);
  });
}

/** @throws Error where there is none */
function rangeOf({ since, until, events, accounts }: Options, zone: TimeZoneOption): TimeRange {
  if (since === undefined) throw new Error('say what to deliver again: ids, or --since for a span');
  return {
    since: since(zone),
    ...(until && { until: until(zone) }),
    ...(events && { events }),
    ...(accounts && { accounts }),
  };
}

/** @throws Error where something was said that only a span has */
function idsAlone(ids: readonly string[], options: Options): readonly string[] {
  for (const name of ['since', 'until', 'events', 'accounts'] as const)
    if (options[name] !== undefined) throw new Error(`--${name} is for a span: give either ids or a span`);
  return ids;
}

/** The entries to deliver again. */
interface Source {
  readonly pages: AsyncIterable<readonly Entry[]> | Iterable<readonly Entry[]>;
  /** What was asked for and isn't touched, in lines of text; known once the pages have been gone through. */
  kept(): readonly string[];
  /** How many of them wait. @param first and `last`: the places in the journal between which they are */
  left(first: number, last: number): Promise<number>;
}

async function sourceOf(
  wanted: TimeRange | readonly string[],
  store: OperatorStore,
  route: PartialRouteConfig,
  cursor: number,
): Promise<Source> {
  if ('since' in wanted) {
    const kept = new Map<string, number>();
    return {
      pages: entriesInRange(wanted, store, route, cursor, kept),
      kept: () => [...kept].map(([reason, count]) => `${notifications(count)} left out: ${reason}`),
      left: (first, last) => store.waitingIn(route.name, first, last),
    };
  }
  const { entries, kept } = await namedEntries(wanted, store, route, cursor);
  const seqs = entries.map(({ seq }) => seq);
  return {
    pages: [entries],
    kept: () => kept.map(({ id, reason }) => `${id} left out: ${reason}`),
    left: async () => (await store.waitingAmong(route.name, seqs)).size,
  };
}

async function rehearse(terminal: Terminal, { pages, kept }: Source, route: string, options: Options): Promise<void> {
  const { json } = options;
  const table = new Table(terminal, dryColumns);
  let count = 0;
  for await (const entries of pages) {
    count += entries.length;
    if (json) for (const entry of entries) await terminal.print(printable(shape(entry, []).json));
    else await table.print(entries.map((entry) => cellsOf(entry, terminal.time)));
  }
  // Only envelopes on stdout, where it is for programs.
  if (json) for (const line of kept()) terminal.complain(printable(line));
  else {
    await terminal.say(`${notifications(count)} would be delivered again by ${route}`);
    for (const line of kept()) await terminal.say(printable(line), 2);
  }
}

const dryColumns: readonly Column[] = [
  { head: 'ID' },
  { head: 'RECEIVED' },
  { head: 'EVENT', min: 10 },
  { head: 'ACCOUNT', min: 8 },
];

function cellsOf({ header }: Entry, time: (at: number) => string): string[] {
  const { id, receivedAt, event, accountId } = header;
  return [id, time(receivedAt), event ?? '-', accountId ?? '-'].map(printable);
}

async function perform(
  terminal: Terminal,
  { pages, kept, left }: Source,
  store: OperatorStore,
  route: string,
  folder: string,
  selection: ActSelection,
): Promise<void> {
  const act = store.act(operatorOf(terminal.env), selection);
  const isRunning = await isDaemonRunning(folder);
  let count = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for await (const entries of pages) {
    count += await act.replay(route, entries);
    first = Math.min(first, entries[0]?.seq ?? first);
    last = entries.at(-1)?.seq ?? last;
  }
  await terminal.say(`${notifications(count)} will be delivered again by ${route}`);
  for (const line of kept()) await terminal.say(printable(line), 2);
  if (count === 0) return;
  if (!isRunning) {
    await terminal.say('the daemon is not running: they go out when it is started');
    return;
  }
  // It may be long until it is resumed.
  if (await tellPauses(terminal, store, route)) return;
  await probeNow(terminal, folder, act, route);
  if (await follow(terminal, () => left(first, last), count, folder))
    await terminal.say(`all of them are delivered or dead; the dead ones: kazoo-relay dead list --route ${route}`);
  else await terminal.say('the daemon is not running any more: the others go out when it is started');
}

/**
 * Waits until all are delivered or dead; on a terminal, a bar shows how far it is. A sink that is away may make that long. Resolves
 * to false where the daemon has ended before.
 */
async function follow(terminal: Terminal, left: () => Promise<number>, all: number, folder: string): Promise<boolean> {
  terminal.complain('waiting until all of them are delivered or dead; Ctrl-C ends only the waiting');
  const bar = progressBar(terminal, all);
  try {
    for (let looks = 1; ; looks += 1) {
      const waiting = await left();
      bar.at(all - Math.min(waiting, all));
      if (waiting === 0) return true;
      if (looks % looksPerQuestion === 0 && !(await isDaemonRunning(folder))) return false;
      await delay(pollInterval);
    }
  } finally {
    bar.end();
  }
}
