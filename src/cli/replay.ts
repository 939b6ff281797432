import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { findConfigFile } from '../config/load.ts';
import { loadOutline, type RouteOutline } from '../config/outline.ts';
import type { Desk, Entry } from '../journal/journal.ts';
import { openDesk } from '../journal/open.ts';
import { askDaemon } from '../ops/control.ts';
import { createMatcher } from '../routes/match.ts';
import { shape } from '../routes/shape.ts';
import { list, moment } from './arguments.ts';
import { orExit } from './exit.ts';
import { notifications, print, printable } from './output.ts';
import { routeNamed } from './route-named.ts';
import { soughtEvents } from './sought.ts';

interface Options {
  readonly config?: string;
  readonly route: string;
  readonly since: number;
  readonly until?: number;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
  readonly dryRun?: true;
  readonly json?: true;
}

/** Entries that are in memory at a time. */
const pageSize = 500;

/** Between looks at how many are left, in milliseconds. */
const pollInterval = 500;

export function replayCommand(): Command {
  return new Command('replay')
    .description('let a route deliver a span of history again')
    .requiredOption('-r, --route <name>', 'the route')
    .requiredOption('--since <when>', 'from what came in then: 30m, 2h, 7d, or 2026-11-24T08:00:00Z', moment)
    .option('--until <when>', 'to what came in then', moment)
    .option('-e, --events <names>', 'only these: names and globs, with commas or given again', list)
    .option('-a, --accounts <ids>', 'only these accounts, with commas or given again', list)
    .option('--dry-run', 'say how many and which, and deliver nothing')
    .option('--json', 'with --dry-run: envelopes, one a line')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        () => 2,
        () => replay(options),
      ),
    );
}

const help = `
What the route's own selection leaves out stays out. What it hasn't come to yet, or what waits already, isn't touched.
Where the daemon runs it goes out at once, and the command waits for it; Ctrl-C ends only the waiting.
Exit code: 0 done, or there was nothing to do, 2 not.

Examples:
  kazoo-relay replay --route crm --since 2d --dry-run
  kazoo-relay replay --route crm --since 2026-11-20T00:00:00Z --until 2026-11-21T00:00:00Z --events 'voicemail_*'`;

async function replay(options: Options): Promise<void> {
  const config = loadOutline(findConfigFile(options.config));
  const route = routeNamed(options.route, config.routes);
  const desk = await openDesk(config.journal);
  try {
    const cursor = await desk.cursorOf(route.name);
    if (cursor === null)
      throw new Error(`the journal doesn't know the route ${route.name} yet: nothing was delivered by it`);
    if (options.events !== undefined) await soughtEvents(options.events, config, desk);
    if (options.dryRun) await rehearse(desk, route, cursor, options);
    else await perform(desk, route, cursor, options, await askDaemon(config.journal.path, 'status'));
  } finally {
    await desk.close();
  }
}

/** Pages of entries that the route would deliver, of those that it has passed. */
async function* span(desk: Desk, route: RouteOutline, cursor: number, options: Options): AsyncGenerator<Entry[]> {
  const { since, until = Number.POSITIVE_INFINITY, events, accounts } = options;
  const ofRoute = createMatcher(route);
  const isChosen = createMatcher({ ...route, events: events ?? [], accounts: accounts ?? [] });
  for (let after = 0; ; ) {
    const page = await desk.find({ since, after, limit: pageSize });
    const last = page.at(-1);
    yield page.filter(
      (entry) =>
        entry.seq <= cursor &&
        entry.receivedAt <= until &&
        ofRoute(entry) === 'deliver' &&
        isChosen(entry) === 'deliver',
    );
    if (last === undefined || page.length < pageSize || last.seq >= cursor) return;
    after = last.seq;
  }
}

async function rehearse(desk: Desk, route: RouteOutline, cursor: number, options: Options): Promise<void> {
  let count = 0;
  for await (const entries of span(desk, route, cursor, options)) {
    count += entries.length;
    for (const entry of entries) await print(options.json ? printable(shape(entry, []).json) : lineOf(entry));
  }
  if (!options.json) await print(`${notifications(count)} would be delivered again by ${route.name}`);
}

function lineOf({ id, receivedAt, event, accountId }: Entry): string {
  return printable([id, new Date(receivedAt).toISOString(), event ?? '-', accountId ?? '-'].join('  '));
}

async function perform(
  desk: Desk,
  route: RouteOutline,
  cursor: number,
  options: Options,
  daemon: unknown,
): Promise<void> {
  let count = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for await (const entries of span(desk, route, cursor, options)) {
    count += await desk.replay(route.name, entries);
    first = Math.min(first, entries[0]?.seq ?? first);
    last = entries.at(-1)?.seq ?? last;
  }
  await print(`${notifications(count)} will be delivered again by ${route.name}`);
  if (count === 0) return;
  if (daemon === null) await print('the daemon is not running: they go out when it is started');
  else await follow(desk, route.name, first, last, count);
}

/** Waits until all are settled; on a terminal, a bar shows how far it is. */
async function follow(desk: Desk, route: string, first: number, last: number, count: number): Promise<void> {
  for (;;) {
    const left = await desk.waitingIn(route, first, last);
    if (process.stderr.isTTY) process.stderr.write(`\r${bar(count - Math.min(left, count), count)}`);
    if (left === 0) break;
    await delay(pollInterval);
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  await print('all of them are settled');
}

function bar(done: number, all: number): string {
  const width = 40;
  const filled = Math.floor((done / all) * width);
  return `[${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${done}/${all}`;
}
