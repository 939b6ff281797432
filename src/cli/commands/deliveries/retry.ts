import { Command } from 'commander';
import { printable } from '../../../common/text/printable.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { Desk, Letter, Letters } from '../../../journal/operator-store.ts';
import { probeNow } from '../../support/daemon-client.ts';
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

export function retryCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withChoiceOptions(new Command('retry'), kind)
    .description(kind.retry.description)
    .addHelpText(
      'after',
      `\nExit code: 0 done, or there was nothing to do, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} retry --route crm --event voicemail_new`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (desk, config) =>
        retry(terminal, await filterOfChoice(ids, options, kind, desk, config), kind, desk, config),
      ),
    );
}

async function retry(
  terminal: Terminal,
  which: Letters,
  kind: DeliveryKind,
  desk: Desk,
  config: PartialConfig,
): Promise<void> {
  const check = kind.retry.createCheck(desk, config);
  const notSelected = await notSelectedAmong(which, kind, desk, config);
  const kept = new Map<string, number>();
  let found = 0;
  let retried = 0;
  for await (const page of pagesOf(desk, which)) {
    found += page.length;
    const due: Letter[] = [];
    for (const letter of page) {
      const obstacle = await check(letter);
      if (obstacle === null) due.push(letter);
      else kept.set(obstacle, (kept.get(obstacle) ?? 0) + 1);
    }
    retried += await kind.retry.change(desk, due);
  }
  const isNothing = found === 0 && which.ids === undefined;
  await terminal.print(isNothing ? nothingSelected(which, kind) : `${notifications(retried)} ${kind.retry.done}`);
  for (const [reason, count] of kept) await terminal.print(`${notifications(count)} not: ${printable(reason)}`);
  for (const line of notSelected) await terminal.print(printable(line));
  // Also where nothing is due: what was never tried since the sink went away waits for the probe too.
  await probeNow(terminal, config.journal.path, which.route);
}
