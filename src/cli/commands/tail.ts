import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import { loadPartialConfig, type PartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import type { JournalReader, Query } from '../../journal/reader.ts';
import type { Entry } from '../../notification/entry.ts';
import { shape } from '../../routes/shape.ts';
import { count, list, withTimeZone, withWide } from '../support/args.ts';
import { withOpen } from '../support/journal.ts';
import { resolveEvents } from '../support/lookup.ts';
import { type Cell, type Column, Table } from '../support/table.ts';
import { describeProblems, orExit, stateColours, stateOf, type Terminal } from '../support/terminal.ts';
import { type Moment, moment, momentHelp } from '../support/times.ts';

interface Options {
  readonly config?: string;
  readonly follow?: true;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
  readonly since?: Moment;
  readonly limit?: number;
  readonly json?: true;
}

/** How many entries are in memory at a time. */
const pageSize = 500;

/** Between looks for new entries, in milliseconds. */
const pollInterval = 250;

export function tailCommand(terminal: Terminal): Command {
  return withWide(withTimeZone(new Command('tail'), terminal), terminal)
    .description('show the notifications in the journal; works without a daemon too')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('-f, --follow', 'continue with new ones, until Ctrl-C')
    .option(
      '-e, --events <names>',
      'only these: names and globs such as voicemail_*, separated by commas, or repeated',
      list,
    )
    .option('-a, --accounts <ids>', 'only these accounts, separated by commas, or repeated', list)
    .option('--since <when>', `all that were received since then: ${momentHelp}`, moment)
    .option('-n, --limit <count>', 'how many of the newest (default: 10, or all with --since)', count)
    .option('--json', 'print envelopes as sinks get them, one a line')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => tail(terminal, options),
      ),
    );
}

const help = `
States: valid, invalid (with the first problem), undecodable, preview, resend. If nothing is found, stderr says so.
Exit code: 0 shown, 2 wrong options, an unknown event, or a configuration or journal that can't be read.

Examples:
  kazoo-relay tail --follow
  kazoo-relay tail --events 'voicemail_*,missed_call' --since 2h
  kazoo-relay tail --limit 1000 --json | kazoo-relay validate -`;

async function tail(terminal: Terminal, options: Options): Promise<void> {
  const config = loadPartialConfig(findConfigFile(options.config, terminal.env), terminal.env);
  const show = options.json ? showJson(terminal) : showPlain(terminal, options.follow === true);
  const since = options.since?.(terminal);
  await withOpen(storeAt(config.journal).openReader(), async (journal) => {
    const filter = await filterOf(options, config, journal);
    // First, so that entries that arrive while the old ones are printed are found when following.
    const newest = await newestOf(journal);
    const last = newest?.seq ?? 0;
    let found = 0;
    for await (const page of pagesNow(journal, filter, last, since, options.limit)) {
      found += page.length;
      await show(page);
    }
    if (options.follow)
      for await (const page of pagesAfter(journal, filter, last, terminal.interrupted)) await show(page);
    else if (found === 0 && options.limit !== 0) terminal.complain(nothingFound(terminal, newest, filter, since));
  });
}

/** On stderr, so that counting the lines of stdout gives 0. */
function nothingFound(
  { time }: Terminal,
  newest: Entry | undefined,
  filter: Filter,
  since: number | undefined,
): string {
  if (newest === undefined)
    return 'the journal holds nothing: nothing has come in yet, or all of it was removed for its age';
  const searched = since === undefined ? 'in the whole journal' : `since ${time(since)}`;
  const selected = filter.events || filter.accounts ? 'nothing of these' : 'nothing';
  return `${selected} was found ${searched}; the newest notification of all came in at ${time(newest.header.receivedAt)}`;
}

type Filter = Pick<Query, 'events' | 'accounts'>;

async function filterOf({ events, accounts }: Options, config: PartialConfig, journal: JournalReader): Promise<Filter> {
  return {
    ...(events && { events: await resolveEvents(events, config, journal) }),
    ...(accounts && { accounts }),
  };
}

async function newestOf(journal: JournalReader): Promise<Entry | undefined> {
  const [newest] = await journal.find({ limit: 1 });
  return newest;
}

/** The newest that fit, up to `last`; or all since a time. */
async function* pagesNow(
  journal: JournalReader,
  filter: Filter,
  last: number,
  since: number | undefined,
  limit: number | undefined,
): AsyncGenerator<readonly Entry[]> {
  if (since === undefined || limit !== undefined) {
    const newest = await journal.find({ ...filter, limit: limit ?? 10 });
    yield newest.filter(({ seq, header }) => seq <= last && header.receivedAt >= (since ?? 0));
    return;
  }
  for (let after = 0; after < last; ) {
    const page = await journal.find({ ...filter, since, after, limit: pageSize });
    yield page.filter(({ seq }) => seq <= last);
    after = page.length < pageSize ? last : (page.at(-1)?.seq ?? last);
  }
}

/** The entries after `last`, until the signal aborts. */
async function* pagesAfter(
  journal: JournalReader,
  filter: Filter,
  last: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Entry[]> {
  for (let after = last; !signal.aborted; ) {
    const newest = (await newestOf(journal))?.seq ?? 0;
    const page = newest > after ? await journal.find({ ...filter, after, limit: pageSize }) : [];
    yield page;
    // A short page has searched all there is, so that what doesn't fit isn't searched again.
    after = Math.max(page.at(-1)?.seq ?? after, page.length < pageSize ? newest : after);
    if (page.length < pageSize) await delay(pollInterval, undefined, { signal }).catch(() => undefined);
  }
}

type Show = (page: readonly Entry[]) => Promise<void>;

function showJson(terminal: Terminal): Show {
  return async (page) => {
    for (const entry of page) await terminal.print(printable(shape(entry, []).json));
  };
}

/** Wide from the start, because later values must fit below. */
const tailColumns: readonly Column[] = [
  { head: 'RECEIVED' },
  { head: 'EVENT', width: 28, min: 12 },
  { head: 'ACCOUNT', width: 32, min: 8 },
  { head: 'ZONE', width: 10, min: 4, spare: 1 },
  { head: 'STATE', width: 11 },
  { head: 'PROBLEM', min: 8 },
];

function showPlain(terminal: Terminal, isGrowing: boolean): Show {
  // On a terminal, what all of them leave free goes to those that are long.
  const isFitted = terminal.width !== undefined && !isGrowing;
  const table = new Table(terminal, isFitted ? tailColumns.map(({ width: _, ...column }) => column) : tailColumns);
  return (page) => table.print(page.map((entry) => cellsOf(entry, terminal.time)));
}

function cellsOf(entry: Entry, time: (at: number) => string): Cell[] {
  const { receivedAt, event, accountId, zone } = entry.header;
  const state = stateOf(entry);
  return [
    { text: time(receivedAt), colour: 'dim' },
    printable(event ?? '-'),
    printable(accountId ?? '-'),
    printable(zone),
    { text: state, colour: stateColours[state] },
    describeProblems(entry.problems),
  ];
}
