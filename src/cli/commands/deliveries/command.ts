import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
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
import { notifications, type Terminal } from '../../support/terminal.ts';
import type { TimeZoneOption } from '../../support/times.ts';
import { listCommand } from './list.ts';
import { showCommand } from './show.ts';

/** The commands of one kind, without a word on what it is. */
export function deliveriesCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return new Command(kind.name)
    .addCommand(listCommand(terminal, kind))
    .addCommand(showCommand(terminal, kind))
    .addCommand(retryCommand(terminal, kind))
    .addCommand(dropCommand(terminal, kind));
}

function retryCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withChoiceOptions(new Command('retry'), kind)
    .description(kind.retry.description)
    .addHelpText(
      'after',
      `\nExit code: 0 done, or there was nothing to do, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} retry --route crm --event voicemail_new`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (store, config) =>
        retry(terminal, await filterOfChoice(ids, options, kind, store, config), kind, store, config, options),
      ),
    );
}

async function retry(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
  zone: TimeZoneOption,
): Promise<void> {
  const check = kind.retry.createCheck(store, config);
  const notSelected = await notSelectedAmong(which, kind, store, config, zone);
  const act = store.act(operatorOf(terminal.env), which);
  const kept = new Map<string, number>();
  const touched = new Set<string>();
  let found = 0;
  let retried = 0;
  for await (const page of pagesOf(store, which)) {
    found += page.length;
    for (const { route } of page) touched.add(route);
    const due: DeliveryRecord[] = [];
    for (const record of page) {
      const obstacle = await check(record);
      if (obstacle === null) due.push(record);
      else kept.set(obstacle, (kept.get(obstacle) ?? 0) + 1);
    }
    retried += await kind.retry.change(act, due);
  }
  const isNothing = found === 0 && which.ids === undefined;
  await terminal.print(isNothing ? nothingSelected(which, kind) : `${notifications(retried)} ${kind.retry.done}`);
  for (const [reason, count] of kept) await terminal.print(`${notifications(count)} not: ${printable(reason)}`);
  for (const line of notSelected) await terminal.print(printable(line));
  if (retried > 0) await tellPauses(terminal, store, touched);
  // Also where nothing is due: what was never tried since the sink went away waits for the probe too.
  await probeNow(terminal, config.journal.path, act, which.route);
}

function dropCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withChoiceOptions(new Command('drop'), kind)
    .description('discard permanently')
    .option('-y, --yes', "don't ask")
    .addHelpText(
      'after',
      `\nExit code: 0 done, or there was nothing to do, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} drop --route crm --event register --yes`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (store, config) =>
        drop(terminal, await filterOfChoice(ids, options, kind, store, config), kind, store, config, options),
      ),
    );
}

async function drop(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
  { yes, ...zone }: Choice,
): Promise<void> {
  for (const line of await notSelectedAmong(which, kind, store, config, zone)) await terminal.print(printable(line));
  const groups = await store.groups(which);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0)
    return terminal.print(which.ids === undefined ? nothingSelected(which, kind) : 'nothing was dropped');
  if (!(yes || (await terminal.confirm(`Drop ${notifications(count)}? They will not be delivered.`)))) {
    await terminal.print('nothing was dropped');
    return;
  }
  const act = store.act(operatorOf(terminal.env), which);
  let dropped = 0;
  for await (const page of pagesOf(store, which)) dropped += await act.drop(page);
  await terminal.print(`${notifications(dropped)} dropped`);
}
