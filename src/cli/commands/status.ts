import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { formatBytes, formatCount, pluralize, printable, wrap } from '../../common/text/format.ts';
import { span } from '../../common/text/times.ts';
import { namedIn, ownFolder, storeLocation } from '../../config/journal-place.ts';
import { type OutlineConfig, readOutlineConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { storeAt } from '../../journal/open.ts';
import { type Attention, attentionIn } from '../../ops/attention.ts';
import { deliveredLately } from '../../ops/delivered-lately.ts';
import { linksElsewhere } from '../../ops/shared-needs.ts';
import {
  type BrokerStatus,
  type DaemonStatus,
  type LinkStatus,
  type RouteStatus,
  type Status,
  statusOf,
} from '../../ops/status.ts';
import { withTimeZone, withWide } from '../support/args.ts';
import { checkDaemon, configDifference, daemonStatus } from '../support/daemon-client.ts';
import { withOpen } from '../support/journal.ts';
import { type Cell, type Column, Table } from '../support/table.ts';
import type { Terminal } from '../support/terminal.ts';
import { notifications, orExit } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly json?: true;
  readonly watch?: true;
  readonly check?: 'live' | 'ready';
}

export function statusCommand(terminal: Terminal): Command {
  return withWide(withTimeZone(new Command('status'), terminal), terminal)
    .description('show the state of the daemon, its brokers and its routes; works without a daemon too')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('-w, --watch', 'refresh every two seconds, until Ctrl-C')
    .option('--json', 'one JSON object, for programs')
    .addOption(
      new Option(
        '--check <what>',
        'print nothing; exit with 0 if it is so, else with 1 and the reason on stderr',
      ).choices(['live', 'ready']),
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
The first line is the verdict. All is well if the daemon alone consumes from every broker, every sink is available, and nothing
is dead or quarantined since the last "kazoo-relay dead list". What needs you is listed below the routes, with what to do.
Without a daemon, it shows what the journal has; the state of brokers and circuits is unknown then.

--check live: a daemon runs and makes progress. --check ready: it also takes notifications from every broker.
Exit code: 0 shown, or the check passed, 1 the check failed, 2 wrong options, or a configuration or journal that can't be read.

Examples:
  kazoo-relay status
  kazoo-relay status --watch
  kazoo-relay status --check ready && echo all is well
  kazoo-relay status --json | jq '.routes[] | select(.dead > 0)'`;

async function status(terminal: Terminal, { config: named, json, watch, check }: Options): Promise<void> {
  const file = findConfigFile(named, terminal.env);
  const { config, filesNow } = readOutlineConfig(file, terminal.env);
  if (check !== undefined)
    return orExit(
      terminal,
      () => 1,
      () => checkDaemon(ownFolder(config.journal), check),
    );
  do {
    const answer = await look(file, config);
    if (json) await terminal.print(printable(JSON.stringify(answer)));
    else {
      const difference = await configDifference(ownFolder(config.journal), file, filesNow);
      await show(terminal, answer, watch === true, difference);
    }
    if (watch) await delay(watchInterval, undefined, { signal: terminal.interrupted }).catch(() => undefined);
  } while (watch && !terminal.interrupted.aborted);
}

/** Between two looks, in milliseconds. */
const watchInterval = 2_000;

type Answer = Status | { readonly error: string };

async function look(file: string, config: OutlineConfig): Promise<Answer> {
  const answer = await daemonStatus(ownFolder(config.journal));
  if (answer !== null) return answer;
  return withOpen(storeAt(storeLocation(config)).openReader(), async (journal) => {
    const summary = await journal.summary();
    return statusOf(namedIn(config, file, summary), summary, null, await deliveredLately(journal));
  });
}

async function show(terminal: Terminal, answer: Answer, again: boolean, difference: string | undefined): Promise<void> {
  if ('error' in answer) throw new Error(`the daemon can't tell: ${answer.error}`);
  const lines = describe(terminal, answer);
  if (difference !== undefined) {
    const note = terminal.paint('yellow', printable(difference));
    lines.push('', ...wrap(note, terminal.width));
  }
  // All at once, in the place of what was shown before: else it flickers.
  await terminal.print(`${again && terminal.stdout.columns !== undefined ? clear : ''}${lines.join('\n')}`);
}

/** ANSI: to the upper left corner, and nothing behind it. */
const clear = '\u001b[H\u001b[J';

function describe(terminal: Terminal, status: Status): string[] {
  const { brokers, http, journal, clock, routes, former_routes } = status;
  // A daemon of the version before knows of no others.
  const daemons = status.daemons ?? [];
  const attention = attentionIn(status, terminal);
  const table = (columns: readonly Column[], rows: readonly Cell[][]) =>
    rows.length === 0 ? [] : ['', ...new Table(terminal, columns).lines(rows)];
  const facts = [
    ['Daemon', describeDaemon(terminal, status)],
    ...(status.config ? [['Config', status.config]] : []),
    ['Journal', ...describeJournal(terminal, journal)],
    // A daemon of the version before says nothing of it, nor what is wrong with the journal or a route.
    ...(clock ? [['Clock', terminal.paint('yellow', describeClock(clock, terminal))]] : []),
    ...(http === null ? [] : [['HTTP', describeHttp(http)]]),
  ];
  const wrapped = (text: string, indent: number) => wrap(text, terminal.width, indent);
  return [
    ...wrapped(describeVerdict(terminal, attention, status), 0),
    '',
    ...facts.flatMap(([name = '', ...lines]) =>
      lines.flatMap((line, index) => wrapped(`${(index === 0 ? name : '').padEnd(9)}${line}`, 9)),
    ),
    ...table(daemonColumns, daemons.map(daemonRow)),
    ...table(brokerColumns, (brokers ?? []).map(brokerRow)),
    ...table(
      [{ head: 'DAEMON', min: 8 }, ...brokerColumns],
      linksElsewhere(daemons).map(({ daemon, link }) => [printable(daemon), ...brokerRow(link)]),
    ),
    ...table(routeColumns, routes.map(routeRow)),
    ...attention.needs.flatMap(({ what, why, kept, cure }) => [
      '',
      ...wrapped(terminal.paint('yellow', printable(why === undefined ? what : `${what}: ${why}`)), 0),
      ...(kept === undefined ? [] : wrapped(`  ${kept}`, 2)),
      ...wrapped(`  ${printable(cure)}`, 2),
    ]),
    ...pausesIn(routes).flatMap((line) => ['', ...wrapped(printable(line), 2)]),
    ...table(formerColumns, former_routes.map(formerRow)),
    ...(former_routes.length === 0 ? [] : wrapped(terminal.paint('dim', aboutFormer), 0)),
  ];
}

function describeVerdict(terminal: Terminal, attention: Attention, { routes }: Status): string {
  const { verdict, wellSince } = attention;
  if (wellSince === null) return terminal.paint('yellow', verdict);
  const paused = routes.filter((route) => route.paused).length;
  const since = `${verdict} since ${terminal.time(wellSince)} (${span(Date.now() - wellSince)})`;
  return `${terminal.paint('green', since)}${paused === 0 ? '' : `; ${pluralize(paused, 'route')} paused`}`;
}

function describeDaemon(terminal: Terminal, { running, pid, startedAt, version, daemons }: Status): string {
  const isElsewhere = daemons?.some(({ lives }) => lives) === true;
  if (!running) return isElsewhere ? 'not running here' : terminal.paint('yellow', 'not running');
  const age = startedAt === null ? '' : ` for ${span(Date.now() - Date.parse(startedAt))}`;
  return `${terminal.paint('green', 'running')}, pid ${pid},${age}${version ? `, version ${version}` : ''}`;
}

function describeClock({ last_sign_of_life, believed_in }: NonNullable<Status['clock']>, { time }: Terminal): string {
  const hours = Math.ceil(believed_in / 3_600);
  return (
    `in doubt: the last sign of life was at ${time(Date.parse(last_sign_of_life))}. Nothing is removed for its age for another ` +
    `${pluralize(hours, 'hour')} of running, or until "kazoo-relay accept-clock"`
  );
}

function describeHttp({ listen, open, reason }: NonNullable<Status['http']>): string {
  return printable(open ? listen : `${listen} is not open: ${reason ?? 'not yet'}`);
}

/** Lines, the first one behind the name. */
function describeJournal(terminal: Terminal, journal: Status['journal']): string[] {
  const { time } = terminal;
  const { path, database, bytes, used_bytes, max_bytes, messages, oldest, undecodable, reason } = journal;
  const since = oldest === null ? '' : ` since ${time(Date.parse(oldest))}`;
  const trouble = [...(reason ? [terminal.paint('red', printable(reason))] : []), ...describeSpool(journal, time)];
  const place = path ?? `shared, ${database}`;
  if (bytes === null || messages === null) return [place, ...trouble];
  // A daemon of the version before doesn't say how much counts.
  const size = `${formatBytes(used_bytes ?? bytes)} of ${formatBytes(max_bytes)} (${formatBytes(bytes)} on disk)`;
  const held = `${place}: ${size}, ${notifications(messages)}${since}, ${undecodable} undecodable`;
  return [held, ...trouble, ...describeInvalid(journal, time)];
}

/** While the database is away, that stands with what needs an operator. */
function describeSpool({ degraded }: Partial<Status['journal']>, time: (at: number) => string): string[] {
  if (degraded?.state !== 'draining') return [];
  const { spooled, since } = degraded;
  return [
    `${notifications(spooled)} of journal.spool, kept since ${time(Date.parse(since))}, are yet to be brought into it`,
  ];
}

/** Nothing from a daemon of the version before, which knows nothing of it. */
function describeInvalid(
  { invalid_bytes, max_invalid_bytes, evicted }: Partial<Status['journal']>,
  time: (at: number) => string,
): string[] {
  if (!evicted || typeof invalid_bytes !== 'number' || typeof max_invalid_bytes !== 'number') return [];
  if (invalid_bytes === 0 && evicted.since === null) return [];
  const share = `${formatBytes(invalid_bytes)} of ${formatBytes(max_invalid_bytes)} are undecodable or invalid`;
  const { undecodable, unknown, known, since } = evicted;
  const removed = undecodable + unknown + known;
  if (removed === 0 || since === null) return [share];
  return [
    `${share}; ${removed} of them were removed since ${time(Date.parse(since))}, because that was used up: ` +
      `${undecodable} undecodable, ${unknown} of unknown events, ${known} of known ones`,
  ];
}

const daemonColumns: readonly Column[] = [
  { head: 'DAEMON', min: 8 },
  { head: 'STATE' },
  { head: 'FOR' },
  { head: 'VERSION', spare: 1 },
  { head: 'CLOCK', right: true, spare: 2 },
  { head: 'CONFIGURATION', spare: 3 },
  { head: 'RUNS', min: 12 },
];

function daemonRow({ name, asked, lives, since, version, clock_skew, configuration, routes }: DaemonStatus): string[] {
  const state = lives ? (asked ? 'here' : 'running') : 'gone';
  const clock = `${clock_skew < 0 ? '-' : '+'}${span(Math.abs(clock_skew))}`;
  const age = span(Date.now() - Date.parse(since));
  return [name, state, age, version, clock, configuration, routes.join(', ') || '-'].map(printable);
}

const brokerColumns: readonly Column[] = [
  { head: 'ZONE', min: 6 },
  { head: 'BROKER', min: 14 },
  { head: 'VHOST', min: 5, spare: 1 },
  { head: 'STATE' },
  { head: 'FOR' },
  { head: 'PER SECOND', right: true, spare: 2 },
  { head: 'RECEIVED', right: true, spare: 3 },
];

function brokerRow(link: LinkStatus & Partial<BrokerStatus>): string[] {
  const { zone, broker, vhost, state, since, rate, received, paused } = link;
  const age = span(Date.now() - Date.parse(since));
  // Other daemons tell no more of their links, and one of the version before not the virtual host.
  const names = [zone, broker, vhost ?? '-'].map(printable);
  return [...names, paused ? 'paused' : state, age, rate?.toFixed(1) ?? '-', String(received ?? '-')];
}

const routeColumns: readonly Column[] = [
  { head: 'ROUTE', min: 10 },
  { head: 'SINK', spare: 3 },
  { head: 'DELIVERED/H', briefHead: 'LAST H', right: true },
  { head: 'TODAY', right: true },
  { head: 'LATEST' },
  { head: 'LAG' },
  { head: 'IN FLIGHT', right: true, spare: 4 },
  { head: 'WAITING', right: true, spare: 1 },
  { head: 'QUARANTINED', right: true, spare: 2 },
  { head: 'DEAD', right: true },
  { head: 'STATE' },
];

function routeRow(route: RouteStatus): Cell[] {
  const { name, sink, lag, in_flight, waiting, quarantined, dead } = route;
  const counts = [in_flight, waiting, quarantined, dead].map((count) => (count === null ? '-' : countCell(count)));
  return [name, sink, ...deliveredCells(route), lag === null ? '-' : lagCell(lag), ...counts, stateOf(route)];
}

function deliveredCells({ delivered }: RouteStatus): Cell[] {
  // A daemon of the version before counts none.
  if (!delivered) return ['-', '-', '-'];
  const { last_hour, today, latest } = delivered;
  const age = latest === null ? '-' : span(Date.now() - Date.parse(latest));
  return [countCell(last_hour), countCell(today), { text: latest === null ? age : `${age} ago`, brief: age }];
}

/** Where no daemon runs, only a pause is known, and who else has the route. */
function stateOf({ interrupted, paused, circuit, holder, waiting, collecting }: RouteStatus): string {
  if (interrupted) return 'interrupted';
  if (paused) return 'paused';
  if (circuit === null) return holder ? `at ${printable(holder)}` : '-';
  // A daemon of the version before collects nothing.
  if (circuit.state === 'closed' && collecting && collecting === waiting) return 'collecting';
  return { closed: 'delivering', open: 'sink away', probing: 'probing' }[circuit.state];
}

function pausesIn(routes: readonly RouteStatus[]): string[] {
  return routes.flatMap(({ name, paused }) => {
    // Nor do daemons of the version before tell of it.
    if (!paused) return [];
    const age = span(Date.now() - Date.parse(paused.since));
    return `${name} is paused for ${age}, by ${paused.by}. To go on: kazoo-relay resume ${name}`;
  });
}

const formerColumns: readonly Column[] = [
  { head: 'NOT IN THE CONFIGURATION', min: 10 },
  { head: 'LAG' },
  { head: 'WAITING', right: true },
  { head: 'QUARANTINED', right: true },
  { head: 'DEAD', right: true },
];

function formerRow({ name, lag, waiting, quarantined, dead }: Status['former_routes'][number]): Cell[] {
  return [printable(name), lagCell(lag), ...[waiting, quarantined, dead].map(countCell)];
}

const aboutFormer =
  'Nothing of these is delivered. Put back under its name, a route goes on from where it was, as far as the journal still ' +
  'holds it; "kazoo-relay forget NAME" removes what is left of it.';

function lagCell({ messages, seconds }: Status['former_routes'][number]['lag']): Cell {
  const age = messages === 0 ? '' : ` (${span(seconds * 1_000)})`;
  return { text: `${messages}${age}`, brief: `${formatCount(messages)}${age}` };
}

function countCell(count: number): Cell {
  return { text: String(count), brief: formatCount(count) };
}
