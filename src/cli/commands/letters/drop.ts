import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { Outline } from '../../../config/outline.ts';
import type { Desk, Letters } from '../../../journal/operator-store.ts';
import { idleAmong } from '../../support/letters/idle.ts';
import type { Kind } from '../../support/letters/kind.ts';
import { atDesk, type Choice, choosing, chosenBy, nothingIn, pagesOf } from '../../support/letters/letters.ts';
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
      atDesk(terminal, options, async (desk, config) =>
        drop(terminal, await chosenBy(ids, options, kind, desk, config), kind, desk, config, options.yes === true),
      ),
    );
}

async function drop(
  terminal: Terminal,
  which: Letters,
  kind: Kind,
  desk: Desk,
  config: Outline,
  sure: boolean,
): Promise<void> {
  for (const line of await idleAmong(which, kind, desk, config)) await terminal.print(printable(line));
  const groups = await desk.groups(which);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0) return terminal.print(which.ids === undefined ? nothingIn(which, kind) : 'nothing was dropped');
  if (!(sure || (await terminal.confirm(`Drop ${notifications(count)}? They will not be delivered.`)))) {
    await terminal.print('nothing was dropped');
    return;
  }
  let dropped = 0;
  for await (const page of pagesOf(desk, which)) dropped += await desk.drop(page);
  await terminal.print(`${notifications(dropped)} dropped`);
}
