import { Command } from 'commander';
import { fullTime } from '../../common/text/times.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import { withTimeZone } from '../support/args.ts';
import { operatorOf, withOperatorStore } from '../support/journal.ts';
import type { Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly yes?: true;
}

export function acceptClockCommand(terminal: Terminal): Command {
  return withTimeZone(new Command('accept-clock'), terminal)
    .description('accept a clock that is more than a day ahead of the last sign of life in the journal')
    .option('-y, --yes', "don't ask for confirmation")
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((options: Options) => withOperatorStore(terminal, options, (store) => accept(terminal, store, options)));
}

const help = `
While the clock is in doubt, nothing is removed because of its age, from the journal, files or databases, until the daemon has run
for 24 hours. Check "date" first: if the clock is wrong, the daemon deletes permanently what only seems older than
\`journal.retention\`.

Exit code: 0 done, the clock isn't in doubt, or you answered no, 2 not done.

Example:
  kazoo-relay accept-clock --yes`;

async function accept(terminal: Terminal, store: OperatorStore, { yes }: Options): Promise<void> {
  const lastSign = await store.clockDoubt();
  // Its date is what matters here.
  const now = fullTime(Date.now(), terminal);
  if (lastSign === null) {
    await terminal.print(`the clock says ${now}, which is not in doubt`);
    return;
  }
  const question = `The clock says ${now}, and the last sign of life in the journal was at ${fullTime(lastSign, terminal)}. Believe it?`;
  if (!(yes || (await terminal.confirm(question)))) {
    await terminal.print('the clock stays in doubt');
    return;
  }
  await store.act(operatorOf(terminal.env), {}).acceptClock();
  await terminal.print(`the clock is believed: it says ${now}`);
}
