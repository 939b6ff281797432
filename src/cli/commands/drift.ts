import { Command } from 'commander';
import { pluralize, printable } from '../../common/text/format.ts';
import { globToRegExp } from '../../common/text/patterns.ts';
import { loadPartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import type { Drift } from '../../journal/reader.ts';
import { eventNamed } from '../../kazoo/catalogue.ts';
import { createAcceptance } from '../../schema/accept.ts';
import { list, withTimeZone, withWide } from '../support/args.ts';
import { isoTime } from '../support/deliveries/messages.ts';
import { withOpen } from '../support/journal.ts';
import { type Column, Table } from '../support/table.ts';
import { orExit, type Terminal } from '../support/terminal.ts';
import { type Moment, moment, momentHelp } from '../support/times.ts';

interface Options {
  readonly config?: string;
  readonly events?: readonly string[];
  readonly since?: Moment;
  readonly all?: true;
  readonly json?: true;
}

export function driftCommand(terminal: Terminal): Command {
  return withWide(withTimeZone(new Command('drift'), terminal), terminal)
    .description('list what KAZOO sends that no schema knows or allows, the newest kinds first')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option(
      '-e, --events <names>',
      'only these: names and globs such as voicemail_*, separated by commas, or repeated',
      list,
    )
    .option('--since <when>', `only kinds first seen since then: ${momentHelp}`, moment)
    .option('--all', 'include what validation.accept accepts')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => drift(terminal, options),
      ),
    );
}

const help = `
WHAT is "unknown field" (not in the schema; it is delivered), "unknown event" (it has no schema), or the keyword of the schema
that it violates. EXAMPLE is the id of the last such notification, if the terminal is wide enough, or with --wide:
"kazoo-relay why ID" shows what happened to it.
To accept a problem, put its event and path into validation.accept, then "kazoo-relay reload" and "kazoo-relay dead retry".
Exit code: 0 shown, or there is none, 2 wrong options, or a configuration or journal that can't be read.

Examples:
  kazoo-relay drift --since 7d
  kazoo-relay drift --events voicemail_new --json`;

async function drift(terminal: Terminal, options: Options): Promise<void> {
  const { config: file, events, all, json } = options;
  const since = options.since?.(terminal);
  const { journal, validation } = loadPartialConfig(findConfigFile(file, terminal.env), terminal.env);
  const { drift } = await withOpen(storeAt(journal).openReader(), (reader) => reader.summary());
  const wanted = events?.map((pattern) => globToRegExp(eventNamed(pattern)?.name ?? pattern));
  const accepts = createAcceptance(validation.accept);
  const chosen = drift
    .map((kind) => ({ ...kind, accepted: accepts(kind.event, kind.path) }))
    .filter(({ event }) => wanted?.some((pattern) => pattern.test(event)) ?? true)
    .filter(({ first }) => since === undefined || first >= since);
  const shown = all ? chosen : chosen.filter(({ accepted }) => !accepted);
  if (json) for (const kind of shown) await terminal.print(printable(JSON.stringify(jsonOf(kind))));
  else await new Table(terminal, driftColumns).print(shown.map((kind) => rowOf(kind, terminal.time)));
  // On stderr, so that counting the lines of stdout gives 0.
  const narrowed = events === undefined && since === undefined ? '' : 'of these, ';
  if (chosen.length === 0)
    terminal.complain(`${narrowed}all that has come is known to the schemas, and allowed by them`);
  if (shown.length < chosen.length)
    terminal.complain(
      `validation.accept accepts ${pluralize(chosen.length - shown.length, 'kind')} more: --all shows all`,
    );
}

type Chosen = Drift & { readonly accepted: boolean };

const driftColumns: readonly Column[] = [
  { head: 'EVENT', min: 16 },
  { head: 'PATH', min: 20 },
  { head: 'WHAT' },
  { head: 'COUNT', right: true },
  { head: 'SINCE' },
  { head: 'EXAMPLE', spare: 1 },
];

function rowOf(
  { event, path, keyword, count, first, example, accepted }: Chosen,
  timeOf: (at: number) => string,
): string[] {
  const what = words.get(keyword) ?? keyword;
  const about = [event || '-', path || '-', accepted ? `${what} (accepted)` : what].map(printable);
  return [...about, String(count), timeOf(first), example];
}

const words = new Map([
  ['unknownField', 'unknown field'],
  ['unknownEvent', 'unknown event'],
  ['other', 'all other kinds'],
]);

function jsonOf({ first, last, ...kind }: Chosen): object {
  return { ...kind, first: isoTime(first), last: isoTime(last) };
}
