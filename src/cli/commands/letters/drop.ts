import { Command } from 'commander';
import { printable } from '../../../common/text/printable.ts';
import type { Outline } from '../../../config/outline.ts';
import type { DeliveryFilter, OperatorStore } from '../../../journal/operator-store.ts';
import { idleAmong } from '../../support/letters/idle.ts';
import type { Kind } from '../../support/letters/kind.ts';
import {
  type Choice,
  choosing,
  chosenBy,
  nothingIn,
  pagesOf,
  withOperatorStore,
} from '../../support/letters/letters.ts';
import { notifications } from '../../support/output.ts';
import type { Terminal } from '../../support/terminal.ts';

export function dropCommand(terminal: Terminal, kind: Kind): Command {
  return choosing(new Command('drop'), kind)
    .description('give up for good: they count as settled')
    .option('-y, --yes', "don't ask")
    .addHelpText(
      'after',
      `\nExit code: 0 done, or there was nothing to do, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} drop --route crm --event register --yes`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (store, config) =>
        drop(terminal, await chosenBy(ids, options, kind, store, config), kind, store, config, options.yes === true),
      ),
    );
}

async function drop(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: Kind,
  store: OperatorStore,
  config: Outline,
  sure: boolean,
): Promise<void> {
  for (const line of await idleAmong(which, kind, store, config)) await terminal.print(printable(line));
  const groups = await store.groups(which);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return terminal.print(which.ids === undefined ? nothingIn(which, kind) : 'nothing was dropped');
  if (!(sure || (await terminal.confirm(`Drop ${notifications(count)}? They will not be delivered.`)))) {
    await terminal.print('nothing was dropped');
    return;
  }
  let dropped = 0;
  for await (const page of pagesOf(store, which)) dropped += await store.drop(page);
  await terminal.print(`${notifications(dropped)} dropped`);
}
