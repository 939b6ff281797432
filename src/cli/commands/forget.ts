import { Command } from 'commander';
import { suggestionFor } from '../../common/text/did-you-mean.ts';
import { printable } from '../../common/text/format.ts';
import type { PartialConfig } from '../../config/load.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import type { RouteSummary } from '../../journal/reader.ts';
import { daemonStatus } from '../support/daemon-client.ts';
import { operatorOf, withOperatorStore } from '../support/journal.ts';
import type { Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly yes?: true;
}

export function forgetCommand(terminal: Terminal): Command {
  return new Command('forget')
    .description('delete what the journal still holds of a route that was removed from the configuration')
    .argument('<former-route>', 'as `status` shows it')
    .option('-y, --yes', "don't ask for confirmation")
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((name: string, options: Options) =>
      withOperatorStore(terminal, options, (store, config) =>
        forget(terminal, name, store, config, options.yes === true),
      ),
    );
}

const help = `
It deletes the route's position, its waiting deliveries, its dead letters and its quarantine. Notifications and other routes are
not affected. If you add a route with that name later, it is a new one, and begins at its \`start\`.

Exit code: 0 done, or you answered no, 2 not done: the route is in the configuration, the daemon still runs it, or there is no
such route.

Example:
  kazoo-relay forget crm --yes`;

async function forget(
  terminal: Terminal,
  name: string,
  store: OperatorStore,
  config: PartialConfig,
  sure: boolean,
): Promise<void> {
  if (config.routes.some((route) => route.name === name))
    throw new Error(`the configuration has the route ${name}: take it out first, and reload`);
  await refuseRunning(name, config.journal.path);
  const { routes } = await store.summary();
  const former = routes.find((route) => route.name === name);
  if (former === undefined) throw unknownRoute(name, routes, config);
  const question = printable(`Forget ${name}: ${holdingsOf(former)}? Nothing of it will be delivered.`);
  if (!(sure || (await terminal.confirm(question)))) {
    await terminal.print('nothing was forgotten');
    return;
  }
  await store.act(operatorOf(terminal.env), { route: name }).forget(name);
  await terminal.say(printable(`${name} is forgotten: ${holdingsOf(former)}`));
}

/** Where the configuration was changed and not yet loaded again, the daemon would write on where nothing is left. */
async function refuseRunning(name: string, folder: string): Promise<void> {
  const status = await daemonStatus(folder);
  if (status === null) return;
  if ('error' in status) throw new Error(`the daemon can't tell which routes it runs: ${status.error}`);
  if (status.routes.some((route) => route.name === name))
    throw new Error(`the daemon still runs the route ${name}: "kazoo-relay reload" ends it`);
}

function unknownRoute(name: string, known: readonly RouteSummary[], { routes }: PartialConfig): Error {
  const names = known.map((route) => route.name).filter((other) => routes.every((route) => route.name !== other));
  const hint = suggestionFor(name, names, names.length === 0 ? '' : `there are ${names.join(', ')}`);
  return new Error(`the journal knows no route ${JSON.stringify(name)} that has left the configuration${hint}`);
}

function holdingsOf({ waiting, quarantined, dead }: RouteSummary): string {
  return `how far it was, ${waiting} waiting, ${quarantined} quarantined, ${dead} dead`;
}
