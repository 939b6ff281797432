import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
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
      withOperatorStore(terminal, options, async (store, config) =>
        retry(terminal, await filterOfChoice(ids, options, kind, store, config), kind, store, config),
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
  const check = kind.retry.createCheck(store, config);
  const notSelected = await notSelectedAmong(which, kind, store, config);
  const kept = new Map<string, number>();
  let found = 0;
  let retried = 0;
  for await (const page of pagesOf(store, which)) {
    found += page.length;
    const due: DeliveryRecord[] = [];
    for (const record of page) {
      const obstacle = await check(record);
      if (obstacle === null) due.push(record);
      else kept.set(obstacle, (kept.get(obstacle) ?? 0) + 1);
    }
    retried += await kind.retry.change(store, due);
  }
  const isNothing = found === 0 && which.ids === undefined;
  await terminal.print(isNothing ? nothingSelected(which, kind) : `${notifications(retried)} ${kind.retry.done}`);
  for (const [reason, count] of kept) await terminal.print(`${notifications(count)} not: ${printable(reason)}`);
  for (const line of notSelected) await terminal.print(printable(line));
  // Also where nothing is due: what was never tried since the sink went away waits for the probe too.
  await probeNow(terminal, config.journal.path, which.route);
}
