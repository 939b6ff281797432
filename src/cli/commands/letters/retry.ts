import { Command } from 'commander';
import { printable } from '../../../common/text/printable.ts';
import type { Outline } from '../../../config/outline.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
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
import { tryNow } from '../../support/try-now.ts';

export function retryCommand(terminal: Terminal, kind: Kind): Command {
  return choosing(new Command('retry'), kind)
    .description(kind.retry.description)
    .addHelpText(
      'after',
      `\nExit code: 0 done, or there was nothing to do, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} retry --route crm --event voicemail_new`,
    )
    .action((ids: string[], options: Choice) =>
      withOperatorStore(terminal, options, async (store, config) =>
        retry(terminal, await chosenBy(ids, options, kind, store, config), kind, store, config),
      ),
    );
}

async function retry(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: Kind,
  store: OperatorStore,
  config: Outline,
): Promise<void> {
  const judge = kind.retry.judge(store, config);
  const idle = await idleAmong(which, kind, store, config);
  const kept = new Map<string, number>();
  let found = 0;
  let retried = 0;
  for await (const page of pagesOf(store, which)) {
    found += page.length;
    const due: DeliveryRecord[] = [];
    for (const record of page) {
      const obstacle = await judge(record);
      if (obstacle === null) due.push(record);
      else kept.set(obstacle, (kept.get(obstacle) ?? 0) + 1);
    }
    retried += await kind.retry.change(store, due);
  }
  const isNothing = found === 0 && which.ids === undefined;
  await terminal.print(isNothing ? nothingIn(which, kind) : `${notifications(retried)} ${kind.retry.done}`);
  for (const [reason, count] of kept) await terminal.print(`${notifications(count)} not: ${printable(reason)}`);
  for (const line of idle) await terminal.print(printable(line));
  // Also where nothing is due: what was never tried since the sink went away waits for the probe too.
  await tryNow(terminal, config.journal.path, which.route);
}
