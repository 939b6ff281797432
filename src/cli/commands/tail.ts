import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import { loadPartialConfig, type PartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import type { JournalReader, Query } from '../../journal/reader.ts';
import type { Entry } from '../../notification/entry.ts';
import { shape } from '../../routes/shape.ts';
import { count, list, moment } from '../support/args.ts';
import { withOpen } from '../support/journal.ts';
import { resolveEvents } from '../support/lookup.ts';
import { describeProblems, orExit, paintState, stateOf, type Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly follow?: true;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
  readonly since?: number;
  readonly limit?: number;
  readonly json?: true;
}

/** How many entries are in memory at a time. */
const pageSize = 500;

/** Between looks for new entries, in milliseconds. */
const pollInterval = 250;

export function tailCommand(terminal: Terminal): Command {
  return new Command('tail')
    .description('show what the journal holds, whether the daemon runs or not')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('-f, --follow', 'go on with what comes in, until Ctrl-C')
    .option('-e, --events <names>', 'only these: names and globs such as voicemail_*, with commas or given again', list)
    .option('-a, --accounts <ids>', 'only these accounts, with commas or given again', list)
    .option('--since <when>', 'all that came in since then: 30m, 2h, 7d, or 2026-11-24T08:00:00Z', moment)
    .option('-n, --limit <count>', 'the newest ones (default: 10, or all with --since)', count)
    .option('--json', 'envelopes as sinks get them, one a line')
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
A line is: arrival (UTC), event, account, zone, state (valid, invalid, undecodable, preview, resend), first problem.
Exit code: 0 shown, 2 wrong options, an event that nobody knows, or a configuration or a journal that can't be read.

Examples:
  kazoo-relay tail --follow
  kazoo-relay tail --events 'voicemail_*,missed_call' --since 2h
  kazoo-relay tail --limit 1000 --json | kazoo-relay validate -`;

async function tail(terminal: Terminal, options: Options): Promise<void> {
  const config = loadPartialConfig(findConfigFile(options.config, terminal.env), terminal.env);
  const show = options.json ? showJson : showPlain;
  await withOpen(storeAt(config.journal).openReader(), async (journal) => {
    const filter = await filterOf(options, config, journal);
    // Looked up first: what comes in while the old ones are printed is found when following.
    const last = await lastSeq(journal);
    for await (const entry of entriesNow(journal, filter, last, options)) await show(terminal, entry);
    if (options.follow)
      for await (const entry of entriesAfter(journal, filter, last, interrupted())) await show(terminal, entry);
  });
}

type Filter = Pick<Query, 'events' | 'accounts'>;

async function filterOf({ events, accounts }: Options, config: PartialConfig, journal: JournalReader): Promise<Filter> {
  return {
    ...(events && { events: await resolveEvents(events, config, journal) }),
    ...(accounts && { accounts }),
  };
}

async function lastSeq(journal: JournalReader): Promise<number> {
  const [newest] = await journal.find({ limit: 1 });
  return newest?.seq ?? 0;
}

/** The newest that fit, up to `last`; or all since a time. */
async function* entriesNow(
  journal: JournalReader,
  filter: Filter,
  last: number,
  { since, limit }: Options,
): AsyncGenerator<Entry> {
  if (since === undefined || limit !== undefined) {
    const newest = await journal.find({ ...filter, limit: limit ?? 10 });
    yield* newest.filter(({ seq, header }) => seq <= last && header.receivedAt >= (since ?? 0));
    return;
  }
  for (let after = 0; after < last; ) {
    const page = await journal.find({ ...filter, since, after, limit: pageSize });
    yield* page.filter(({ seq }) => seq <= last);
    after = page.length < pageSize ? last : (page.at(-1)?.seq ?? last);
  }
}

/** What comes after `last`, until the signal aborts. */
async function* entriesAfter(
  journal: JournalReader,
  filter: Filter,
  last: number,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  for (let after = last; !signal.aborted; ) {
    const newest = await lastSeq(journal);
    const page = newest > after ? await journal.find({ ...filter, after, limit: pageSize }) : [];
    yield* page;
    // A short page has searched all there is, so that what doesn't fit isn't searched again.
    after = Math.max(page.at(-1)?.seq ?? after, page.length < pageSize ? newest : after);
    if (page.length < pageSize) await delay(pollInterval, undefined, { signal }).catch(() => undefined);
  }
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

async function showJson(terminal: Terminal, entry: Entry): Promise<void> {
  await terminal.print(printable(shape(entry, []).json));
}

async function showPlain(terminal: Terminal, entry: Entry): Promise<void> {
  const problems = describeProblems(entry.problems);
  const columns = [
    terminal.paint('dim', new Date(entry.header.receivedAt).toISOString()),
    printable(entry.header.event ?? '-').padEnd(28),
    printable(entry.header.accountId ?? '-').padEnd(32),
    printable(entry.header.zone).padEnd(10),
    paintState(terminal, stateOf(entry), problems === '' ? 0 : 11),
  ];
  await terminal.print([...columns, problems].join('  ').trimEnd());
}
