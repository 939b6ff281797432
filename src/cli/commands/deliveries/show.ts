import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
import type { Attempt } from '../../../journal/route-session.ts';
import type { Entry } from '../../../notification/entry.ts';
import type { Fate } from '../../../relay/fates.ts';
import { shape } from '../../../routes/shape.ts';
import { withTimeZone, withWide } from '../../support/args.ts';
import { fateJson, openFateTeller, printFates } from '../../support/deliveries/fates.ts';
import { deliveryJson } from '../../support/deliveries/messages.ts';
import type { DeliveryKind } from '../../support/deliveries/selection.ts';
import { listCommandOf, type Selection } from '../../support/deliveries/selection.ts';
import { withOperatorStore } from '../../support/journal.ts';
import { findEntry } from '../../support/lookup.ts';
import type { Terminal } from '../../support/terminal.ts';
import { columns } from '../../support/terminal.ts';

export function showCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withWide(withTimeZone(new Command('show'), terminal), terminal)
    .description('show one: its envelope, problems and every attempt')
    .argument('<id>', `as \`${listCommandOf(kind)}\` shows it`)
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('--json', 'one JSON object, for programs')
    .addHelpText(
      'after',
      `\nExit code: 0 shown, 2 not shown.\n\nExample:\n  kazoo-relay ${kind.name} show 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55`,
    )
    .action((id: string, options: Selection & { json?: true }) =>
      withOperatorStore(terminal, options, async (store, config) =>
        show(terminal, store, config, await findEntry(id, store, listCommandOf(kind)), options),
      ),
    );
}

async function show(
  terminal: Terminal,
  store: OperatorStore,
  config: PartialConfig,
  entry: Entry,
  { json }: { json?: true },
): Promise<void> {
  const { envelope } = shape(entry, []);
  const lines = await store.recordsOf(entry.seq);
  const names = config.routes.map(({ name }) => name);
  const recorded = new Set(lines.map(({ route }) => route));
  const fates = await (await openFateTeller(store, config, terminal))(entry);
  const others = fates.filter(({ route }) => !recorded.has(route));
  if (json) {
    await terminal.print(
      printable(
        JSON.stringify({
          envelope,
          deliveries: lines.map(deliveryJson),
          still_to_come: namesOf(others, 'not_reached'),
          others: others.map(fateJson),
        }),
      ),
    );
    return;
  }
  // Line feeds between its lines are ours; in its strings they are escapes already.
  await terminal.print(JSON.stringify(envelope, null, 2).split('\n').map(printable).join('\n'));
  for (const line of lines) {
    await terminal.print('');
    await terminal.say(deliveryHeading(terminal, line, names), 2);
    for (const attempt of columns(line.attempts.map((attempt) => attemptRow(attempt, terminal))).split('\n'))
      if (attempt !== '') await terminal.say(attempt, 4);
  }
  if (others.length === 0) return;
  await terminal.print('');
  await printFates(terminal, others, 0);
}

function namesOf(fates: readonly Fate[], state: Fate['state']): string[] {
  return fates.filter((fate) => fate.state === state).map(({ route }) => route);
}

/** @param names of the routes of the configuration: what waits on any other has no next try */
function deliveryHeading(
  terminal: Terminal,
  { route, state, dueAt, reason }: DeliveryRecord,
  names: readonly string[],
): string {
  const isFormer = route !== '' && !names.includes(route);
  const due = dueAt === null || isFormer ? '' : `, due ${terminal.time(dueAt)}`;
  const name = terminal.paint('bold', route || 'all routes');
  return `${name}${isFormer ? ' (not in the configuration)' : ''}: ${state}${due}, ${printable(reason)}`;
}

function attemptRow({ at, duration, outcome, code, reason }: Attempt, { time }: Terminal): string[] {
  return [`  ${time(at)}`, `${duration} ms`, outcome, String(code ?? '-'), printable(reason)];
}
