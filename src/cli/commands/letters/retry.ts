import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { Outline } from '../../../config/outline.ts';
import type { Desk, Letter, Letters } from '../../../journal/operator-store.ts';
import { idleAmong } from '../../support/letters/idle.ts';
import type { Kind } from '../../support/letters/kind.ts';
import { atDesk, type Choice, choosing, chosenBy, nothingIn, pagesOf } from '../../support/letters/letters.ts';
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
      atDesk(terminal, options, async (desk, config) =>
        retry(terminal, await chosenBy(ids, options, kind, desk, config), kind, desk, config),
      ),
    );
}

async function retry(terminal: Terminal, which: Letters, kind: Kind, desk: Desk, config: Outline): Promise<void> {
  const judge = kind.retry.judge(desk, config);
  const idle = await idleAmong(which, kind, desk, config);
  const kept = new Map<string, number>();
  let found = 0;
  let retried = 0;
  for await (const page of pagesOf(desk, which)) {
    found += page.length;
    const due: Letter[] = [];
    for (const letter of page) {
      const obstacle = await judge(letter);
      if (obstacle === null) due.push(letter);
      else kept.set(obstacle, (kept.get(obstacle) ?? 0) + 1);
    }
    retried += await kind.retry.change(desk, due);
  }
  const isNothing = found === 0 && which.ids === undefined;
  await terminal.print(isNothing ? nothingIn(which, kind) : `${notifications(retried)} ${kind.retry.done}`);
  for (const [reason, count] of kept) await terminal.print(`${notifications(count)} not: ${printable(reason)}`);
  for (const line of idle) await terminal.print(printable(line));
  // Also where nothing is due: what was never tried since the sink went away waits for the probe too.
  await tryNow(terminal, config.journal.path, which.route);
}
