import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, OperatorStore } from '../../../journal/operator-store.ts';
import { notSelectedAmong } from '../../support/deliveries/messages.ts';
import type { DeliveryKind } from '../../support/deliveries/selection.ts';
import {
  type Choice,
  filterOfChoice,
  nothingSelected,
  pagesOf,
  withChoiceOptions,
} from '../../support/deliveries/selection.ts';
import { withOperatorStore } from '../../support/journal.ts';
import type { Terminal } from '../../support/terminal.ts';
import { notifications } from '../../support/terminal.ts';

export function dropCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withChoiceOptions(new Command('drop'), kind)
    .description('discard permanently')
    .option('-y, --yes', "don't ask")
    .addHelpText(
      'after',
      `\nExit code: 0 done, or there was nothing to do, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} drop --route crm --event register --yes`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (store, config) =>
        drop(
          terminal,
          await filterOfChoice(ids, options, kind, store, config),
          kind,
          store,
          config,
          options.yes === true,
        ),
      ),
    );
}

async function drop(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
  sure: boolean,
): Promise<void> {
  for (const line of await notSelectedAmong(which, kind, store, config)) await terminal.print(printable(line));
  const groups = await store.groups(which);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0)
    return terminal.print(which.ids === undefined ? nothingSelected(which, kind) : 'nothing was dropped');
  if (!(sure || (await terminal.confirm(`Drop ${notifications(count)}? They will not be delivered.`)))) {
    await terminal.print('nothing was dropped');
    return;
  }
  let dropped = 0;
  for await (const page of pagesOf(store, which)) dropped += await store.drop(page);
  await terminal.print(`${notifications(dropped)} dropped`);
}
