import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import type { ActSelection, AuditedAct, OperatorStore } from '../../journal/operator-store.ts';
import { count, withTimeZone, withWide } from '../support/args.ts';
import { withOperatorStore } from '../support/journal.ts';
import { Table } from '../support/table.ts';
import type { Terminal } from '../support/terminal.ts';
import { type Moment, moment, momentHelp } from '../support/times.ts';

interface Options {
  readonly config?: string;
  readonly since?: Moment;
  readonly limit: number;
  readonly json?: true;
}

export function auditCommand(terminal: Terminal): Command {
  return withWide(withTimeZone(new Command('audit'), terminal), terminal)
    .description('list what operators did: when, who, from where, and how much it changed')
    .option('--since <when>', `only since then: ${momentHelp}`, moment)
    .option('-n, --limit <count>', 'how many of the newest', count, 1_000)
    .option('--json', 'one JSON object a line')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((options: Options) => withOperatorStore(terminal, options, (store) => audit(terminal, store, options)));
}

const help = `
Acts are retry, drop, replay, pause, resume, forget, erase, accept-clock, and probe (of the sinks of so many routes, by a retry,
a replay, or "kazoo-relay probe"). An act and its line are committed together. Lines are kept for \`journal.deadRetention\`.

Exit code: 0 shown, or there are none, 2 not shown.

Examples:
  kazoo-relay audit --since yesterday
  kazoo-relay audit --json | jq 'select(.act == "drop")'`;

async function audit(terminal: Terminal, store: OperatorStore, options: Options): Promise<void> {
  const since = options.since?.(terminal);
  const acts = await store.acts(since ?? 0, options.limit);
  if (options.json) for (const act of acts) await terminal.print(printable(JSON.stringify(jsonOf(act))));
  else if (acts.length === 0)
    terminal.complain(
      `no operator has done anything${since === undefined ? ' yet' : ` since ${terminal.time(since)}`}`,
    );
  else await show(terminal, acts);
}

function jsonOf({ at, progress: _, selection: { since, until, ...selection }, ...act }: AuditedAct): object {
  const times = Object.entries({ since, until }).filter(([, time]) => time !== undefined);
  const isoTimes = Object.fromEntries(times.map(([name, time]) => [name, new Date(Number(time)).toISOString()]));
  return { at: new Date(at).toISOString(), ...act, selection: { ...selection, ...isoTimes } };
}

async function show(terminal: Terminal, acts: readonly AuditedAct[]): Promise<void> {
  const { time } = terminal;
  const table = new Table(terminal, [
    { head: 'WHEN' },
    { head: 'WHO', min: 6 },
    { head: 'FROM', min: 8, spare: 1 },
    { head: 'ACT' },
    { head: 'COUNT', right: true },
    { head: 'OF', min: 20 },
  ]);
  await table.print(
    acts.map(({ at, who, from, act, count, selection }) => [
      time(at),
      printable(who),
      printable(from),
      act,
      String(count),
      printable(describe(selection, terminal)),
    ]),
  );
}

/** `dead, quarantined of crm, voicemail_new, since …`. */
function describe(
  { states, route, event, events, accounts, since, until, ids }: ActSelection,
  { time }: Terminal,
): string {
  const parts = [
    route,
    states?.join('/'),
    event,
    events?.join(' '),
    accounts?.join(' '),
    since === undefined ? undefined : `since ${time(since)}`,
    until === undefined ? undefined : `until ${time(until)}`,
    ids?.join(' '),
  ];
  return parts.filter(Boolean).join(', ') || '-';
}
