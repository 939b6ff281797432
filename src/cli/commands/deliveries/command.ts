import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, OperatorStore } from '../../../journal/operator-store.ts';
import { probeNow } from '../../support/daemon-client.ts';
import { notSelectedAmong, tellPauses } from '../../support/deliveries/messages.ts';
import {
  type Choice,
  type DeliveryKind,
  filterOfChoice,
  nothingSelected,
  pagesOf,
  withChoiceOptions,
} from '../../support/deliveries/selection.ts';
import { operatorOf, withOperatorStore } from '../../support/journal.ts';
import { notifications, progressBar, type Terminal } from '../../support/terminal.ts';
import { listCommand } from './list.ts';
import { showCommand } from './show.ts';

/** The subcommands of one kind, without its description. */
export function deliveriesCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return new Command(kind.name)
    .addCommand(listCommand(terminal, kind))
    .addCommand(showCommand(terminal, kind))
    .addCommand(retryCommand(terminal, kind))
    .addCommand(dropCommand(terminal, kind));
}

function retryCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withChoiceOptions(new Command('retry'), kind, terminal)
    .description(kind.retry.description)
    .addHelpText(
      'after',
      `\nExit code: 0 done, or nothing to do, 2 not done.\n\nExample:\n  kazoo-relay ${kind.name} retry --route crm --event voicemail_new`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (store, config) =>
        retry(terminal, await filterOfChoice(terminal, ids, options, kind, store, config), kind, store, config),
      ),
    );
}

async function retry(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
): Promise<void> {
  const notSelected = await notSelectedAmong(terminal, which, kind, store, config);
  const act = store.act(operatorOf(terminal.env), which);
  const bar = progressBar(terminal, terminal.stderr.isTTY ? await store.count(which) : 0);
  const kept = new Map<string, number>();
  let found = 0;
  let retried = 0;
  try {
    for await (const step of kind.retry.steps(store, config, which, act)) {
      found += step.found;
      retried += step.retried;
      for (const [reason, count] of step.kept ?? []) kept.set(reason, (kept.get(reason) ?? 0) + count);
      bar.at(found);
    }
  } finally {
    bar.end();
  }
  const isNothing = found === 0 && which.ids === undefined;
  await terminal.say(isNothing ? nothingSelected(which, kind) : `${notifications(retried)} ${kind.retry.done}`);
  for (const [reason, count] of kept)
    await terminal.say(`${notifications(count)} not retried: ${printable(reason)}`, 2);
  for (const line of notSelected) await terminal.say(printable(line), 4);
  if (retried > 0) await tellPauses(terminal, store, which.route);
  // Also where nothing is due: what was never tried since the sink went away waits for the probe too.
  await probeNow(terminal, config.journal, store, act, which.route);
}

function dropCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withChoiceOptions(new Command('drop'), kind, terminal)
    .description('discard permanently')
    .option('-y, --yes', "don't ask for confirmation")
    .addHelpText(
      'after',
      `\nExit code: 0 done, or nothing to do, 2 not done.\n\nExample:\n  kazoo-relay ${kind.name} drop --route crm --event register --yes`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (store, config) =>
        drop(terminal, await filterOfChoice(terminal, ids, options, kind, store, config), kind, store, config, options),
      ),
    );
}

async function drop(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
  { yes }: Choice,
): Promise<void> {
  for (const line of await notSelectedAmong(terminal, which, kind, store, config))
    await terminal.say(printable(line), 4);
  const count = await store.count(which);
  if (count === 0) return terminal.say(which.ids === undefined ? nothingSelected(which, kind) : 'nothing was dropped');
  if (!(yes || (await terminal.confirm(`Drop ${notifications(count)}? They will not be delivered.`)))) {
    await terminal.print('nothing was dropped');
    return;
  }
  const act = store.act(operatorOf(terminal.env), which);
  const bar = progressBar(terminal, count);
  let dropped = 0;
  try {
    for await (const page of pagesOf(store, which)) {
      dropped += await act.drop(page);
      bar.at(dropped);
    }
  } finally {
    bar.end();
  }
  await terminal.print(`${notifications(dropped)} dropped`);
}
