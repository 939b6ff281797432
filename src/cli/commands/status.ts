import { Command, Option } from 'commander';
import { formatBytes, pluralize, printable } from '../../common/text/format.ts';
import { loadOutlineConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import type { RouteSummary } from '../../journal/reader.ts';
import { type BrokerStatus, type RouteStatus, type Status, statusOf } from '../../ops/status.ts';
import { checkDaemon, daemonStatus } from '../support/daemon-client.ts';
import { withOpen } from '../support/journal.ts';
import type { Terminal } from '../support/terminal.ts';
import { columns, notifications, orExit } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly json?: true;
  readonly check?: 'live' | 'ready';
}

export function statusCommand(terminal: Terminal): Command {
  return new Command('status')
    .description('show what the daemon is doing and how far each route is, whether the daemon runs or not')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('--json', 'for programs')
    .addOption(
      new Option('--check <what>', 'print nothing and say by the exit code whether it is so').choices([
        'live',
        'ready',
      ]),
    )
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => status(terminal, options),
      ),
    );
}

const help = `
Without a daemon it shows what the journal knows: the brokers and the circuits are the daemon's alone.

--check live: a daemon runs and moves. --check ready: it also takes what comes, from every broker.
Exit code: 0 shown, or it is so, 1 with --check, it isn't, and the reason is on stderr, 2 wrong options, or a configuration or
a journal that can't be read.

Examples:
  kazoo-relay status
  kazoo-relay status --check ready && echo all is well
  kazoo-relay status --json | jq '.routes[] | select(.dead > 0)'`;

async function status(terminal: Terminal, { config: file, json, check }: Options): Promise<void> {
  const config = loadOutlineConfig(findConfigFile(file, terminal.env), terminal.env);
  const { path } = config.journal;
  if (check !== undefined)
    return orExit(
      terminal,
      () => 1,
      () => checkDaemon(path, check),
    );
  const summary = () => withOpen(storeAt(config.journal).openReader(), (journal) => journal.summary());
  const answer = (await daemonStatus(path)) ?? statusOf(config, await summary(), null);
  if (json) return terminal.print(printable(JSON.stringify(answer)));
  if ('error' in answer) throw new Error(`the daemon can't tell: ${answer.error}`);
  await terminal.print(describe(terminal, answer));
}

function describe(
  terminal: Terminal,
  { running, pid, startedAt, brokers, http, journal, clock, routes, former_routes }: Status,
): string {
  const state = running
    ? `${terminal.paint('green', 'running')}, pid ${pid}, since ${startedAt}`
    : terminal.paint('yellow', 'not running');
  const sections = [`Daemon   ${state}`, `Journal  ${describeJournal(terminal, journal)}`];
  // A daemon of the version before says nothing of it, nor what is wrong with the journal or a route.
  if (clock) sections.push(`Clock    ${terminal.paint('yellow', describeClock(clock))}`);
  if (http !== null) sections.push(`HTTP     ${describeHttp(http)}`);
  if (brokers !== null) sections.push('', columns([brokerHead, ...brokers.map(brokerRow)]));
  sections.push('', columns([routeHead, ...routes.map(routeRow)]));
  if (former_routes.length > 0)
    sections.push('', columns([formerHead, ...former_routes.map(formerRow)]), terminal.paint('dim', aboutFormer));
  return sections.join('\n');
}

function describeClock({ last_sign_of_life, believed_in }: NonNullable<Status['clock']>): string {
  const hours = Math.ceil(believed_in / 3_600);
  return (
    `in doubt: the last sign of life was at ${last_sign_of_life}. Nothing is removed for its age for another ` +
    `${pluralize(hours, 'hour')} of running, or until "kazoo-relay accept-clock"`
  );
}

function describeHttp({ listen, open, reason }: NonNullable<Status['http']>): string {
  return printable(open ? listen : `${listen} is not open: ${reason ?? 'not yet'}`);
}

function describeJournal(terminal: Terminal, journal: Status['journal']): string {
  const { path, bytes, used_bytes, max_bytes, messages, oldest, undecodable, reason } = journal;
  const since = oldest === null ? '' : ` since ${oldest}`;
  const trouble = reason ? [`         ${terminal.paint('red', printable(reason))}`] : [];
  if (bytes === null || messages === null) return [path, ...trouble].join('\n');
  // A daemon of the version before doesn't say how much counts.
  const size = `${formatBytes(used_bytes ?? bytes)} of ${formatBytes(max_bytes)} (${formatBytes(bytes)} on disk)`;
  const held = `${path}: ${size}, ${notifications(messages)}${since}, ${undecodable} undecodable`;
  return [held, ...trouble, ...describeInvalid(journal)].join('\n');
}

/** Nothing from a daemon of the version before, which knows nothing of it. */
function describeInvalid({ invalid_bytes, max_invalid_bytes, evicted }: Partial<Status['journal']>): string[] {
  if (!evicted || typeof invalid_bytes !== 'number' || typeof max_invalid_bytes !== 'number') return [];
  const lines = [
    `Invalid  ${formatBytes(invalid_bytes)} of ${formatBytes(max_invalid_bytes)} are undecodable or invalid`,
  ];
  const { undecodable, unknown, known, since } = evicted;
  const removed = undecodable + unknown + known;
  if (removed > 0)
    lines.push(
      `         ${removed} of them were removed since ${since}, because that was used up: ${undecodable} undecodable, ` +
        `${unknown} of unknown events, ${known} of known ones`,
    );
  return lines;
}

const brokerHead = ['ZONE', 'BROKER', 'STATE', 'SINCE', 'PER SECOND', 'RECEIVED', 'REASON'];

function brokerRow({ zone, broker, state, since, rate, received, paused, reason }: BrokerStatus): string[] {
  const shown = paused ? 'paused' : state;
  // A daemon of the version before gives no reason for a pause.
  const why = reason ?? (paused ? 'journal not writable' : '');
  return [printable(zone), broker, shown, since, rate.toFixed(1), String(received), printable(why)];
}

const routeHead = ['ROUTE', 'SINK', 'LAG', 'IN FLIGHT', 'WAITING', 'QUARANTINED', 'DEAD', 'CIRCUIT', 'REASON'];

function routeRow(route: RouteStatus): string[] {
  const { name, sink, lag, in_flight, waiting, quarantined, dead, interrupted, circuit } = route;
  const counts = [in_flight, waiting, quarantined, dead].map((count) => String(count ?? '-'));
  const start = [name, sink, lag === null ? '-' : lagText(lag), ...counts];
  if (interrupted) return [...start, 'interrupted', printable(interrupted)];
  const probe = circuit?.next_probe ? `, next probe in ${circuit.next_probe} s` : '';
  return [...start, circuit?.state ?? '-', printable(`${circuit?.reason ?? ''}${probe}`)];
}

const formerHead = ['NOT IN THE CONFIGURATION', 'LAG', 'WAITING', 'QUARANTINED', 'DEAD'];

function formerRow({ name, lag, waiting, quarantined, dead }: RouteSummary): string[] {
  return [printable(name), lagText(lag), ...[waiting, quarantined, dead].map(String)];
}

const aboutFormer =
  'Nothing of these is delivered. Put back under its name, a route goes on from where it was, as far as the journal still\n' +
  'holds it; "kazoo-relay forget NAME" removes what is left of it.';

function lagText({ messages, seconds }: RouteSummary['lag']): string {
  return messages === 0 ? '0' : `${messages} (${seconds} s)`;
}
