import { Command } from 'commander';
import { pluralize, printable } from '../../common/text/format.ts';
import type { PartialConfig } from '../../config/load.ts';
import type { Erased, Holdings, OperatorStore } from '../../journal/operator-store.ts';
import { withTimeZone } from '../support/args.ts';
import { isDaemonRunning, lookNow } from '../support/daemon-client.ts';
import { operatorOf, withOperatorStore } from '../support/journal.ts';
import { notifications, type Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly account: string;
  readonly dryRun?: true;
  readonly compact?: true;
  readonly yes?: true;
}

export function eraseCommand(terminal: Terminal): Command {
  return withTimeZone(new Command('erase'), terminal)
    .description('remove all notifications of an account from the journal permanently')
    .requiredOption('-a, --account <id>', 'the account')
    .option('--dry-run', 'print how much there is, and erase nothing')
    .option('--compact', 'also rewrite the whole journal; the daemon must be stopped')
    .option('-y, --yes', "don't ask for confirmation")
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((options: Options) =>
      withOperatorStore(terminal, options, (store, config) => erase(terminal, store, config, options)),
    );
}

const help = `
It removes notifications, waiting deliveries, dead letters and quarantine, and their bytes in free pages and in the write-ahead
log. The daemon may run: notifications of the account that it receives from now on stay. If SQLite has moved rows, bytes of them
may be left in pages in use; the command says so, and --compact removes these too. --compact rewrites the journal, and needs twice
its size in free disk space. If the command is interrupted, run it again.

Exit code: 0 done, nothing to do, or you answered no, 1 bytes are left, 2 not done.

Examples:
  kazoo-relay erase --account 4f1c2e3d5b6a79880123456789abcdef --dry-run
  kazoo-relay erase --account 4f1c2e3d5b6a79880123456789abcdef --yes`;

async function erase(
  terminal: Terminal,
  store: OperatorStore,
  config: PartialConfig,
  { account, dryRun, compact, yes }: Options,
): Promise<void> {
  const isRunning = await isDaemonRunning(config.journal.path);
  const holdings = await store.holdingsOf(account);
  await terminal.say(printable(`the journal holds ${describe(holdings, terminal)} of the account ${account}`));
  if (!dryRun) {
    if (holdings.notifications > 0 && !(yes || (await terminal.confirm(question(holdings))))) {
      await terminal.print('nothing was erased');
      return;
    }
    const erased = await store.act(operatorOf(terminal.env), { accounts: [account] }).erase(account, compact === true);
    await terminal.print(`${notifications(erased.notifications)} erased`);
    if (isRunning) {
      await lookNow(config.journal.path);
      await terminal.say('the daemon forgets them too; a request that is on its way is not called back');
    }
    const left = whatIsLeft(erased, holdings, config.journal.path);
    if (left !== null) {
      terminal.complain(left);
      terminal.exitCode = 1;
    }
  }
  await tellUncovered(terminal, store, config, holdings);
}

function describe({ notifications: count, oldest, newest, ...deliveries }: Holdings, { time }: Terminal): string {
  if (oldest === null || newest === null) return 'nothing';
  const { waiting, quarantined, dead } = deliveries;
  const span = `received from ${time(oldest)} to ${time(newest)}`;
  return `${notifications(count)} (${span}; deliveries: ${waiting} waiting, ${quarantined} quarantined, ${dead} dead)`;
}

function question({ notifications: count, waiting }: Holdings): string {
  const lost = waiting === 0 ? '' : ` What waits (${waiting}) will not be delivered.`;
  return `Erase ${notifications(count)} for good?${lost}`;
}

/** Null where no byte of it is left, as far as that can be told from the mentions. */
function whatIsLeft({ isLogEmpty, remains }: Erased, { mentions }: Holdings, folder: string): string | null {
  if (!isLogEmpty)
    return (
      `the write-ahead log still has bytes of them, because a program reads the journal (fuser ${folder}/*): ` +
      'end that program, and run this command again'
    );
  if (remains === 0 || mentions > 0) return null;
  return (
    `the account's id is still in the journal's file (${pluralize(remains, 'time')}), where SQLite had moved rows: stop the daemon, and ` +
    'run this command again with --compact'
  );
}

/** What an operator still has to look after. */
async function tellUncovered(
  terminal: Terminal,
  store: OperatorStore,
  { routes }: PartialConfig,
  { mentions }: Holdings,
): Promise<void> {
  const { undecodable } = await store.summary();
  const sinks = routes.map(({ name, sink }) => `${name} (${sink.type})`).join(', ');
  await terminal.print('not covered:');
  for (const line of [
    `undecodable notifications, whose account is unknown: ${undecodable} (kazoo-relay dead list)`,
    `notifications of other accounts, or of none, that mention this one: ${mentions}`,
    'backups and copies of the journal, also the .damaged ones of a rebuild; logs',
    `what sinks have: ${printable(sinks)}`,
  ])
    await terminal.say(`  ${line}`, 4);
}
