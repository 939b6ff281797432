import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import type { PartialConfig } from '../../config/load.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import { lookNow } from '../support/daemon-client.ts';
import { operatorOf, withOperatorStore } from '../support/journal.ts';
import { findRoute } from '../support/lookup.ts';
import type { Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
}

export function pauseCommand(terminal: Terminal): Command {
  return new Command('pause')
    .description('stop the deliveries of a route until it is resumed')
    .argument('<route>', 'name of the route, as in the configuration')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', pauseHelp)
    .action((route: string, options: Options) =>
      withOperatorStore(terminal, options, (store, config) => pause(terminal, route, store, config)),
    );
}

const pauseHelp = `
Attempts in flight end; no further one starts. New notifications wait in the journal. The pause outlasts restarts and reloads,
until "kazoo-relay resume". It works without a daemon too.

Exit code: 0 paused, or it was already, 2 not paused.

Example:
  kazoo-relay pause crm`;

async function pause(terminal: Terminal, name: string, store: OperatorStore, config: PartialConfig): Promise<void> {
  const { name: route } = findRoute(name, config.routes);
  const isNew = await store.act(operatorOf(terminal.env), { route }).pause(route);
  await lookNow(config.journal.path);
  const state = isNew ? 'is paused: no attempt starts' : 'was paused already';
  await terminal.say(`${route} ${state}; "kazoo-relay resume ${route}" ends it`);
}

export function resumeCommand(terminal: Terminal): Command {
  return new Command('resume')
    .description('continue the deliveries of a paused route')
    .argument('<route>', 'as `status` shows it')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', resumeHelp)
    .action((route: string, options: Options) =>
      withOperatorStore(terminal, options, (store, config) => resume(terminal, route, store, config)),
    );
}

const resumeHelp = `
The route continues with what has waited, in order; at once if the daemon runs.

Exit code: 0 resumed, or it was not paused, 2 not resumed.

Example:
  kazoo-relay resume crm`;

async function resume(terminal: Terminal, name: string, store: OperatorStore, config: PartialConfig): Promise<void> {
  const { routes } = await store.summary();
  // One that has left the configuration may be paused still.
  const paused = routes.filter((route) => route.paused !== null);
  const { name: route } = findRoute(name, [...config.routes, ...paused]);
  const isChanged = await store.act(operatorOf(terminal.env), { route }).resume(route);
  await lookNow(config.journal.path);
  await terminal.print(printable(isChanged ? `${route} is resumed` : `${route} is not paused`));
}
