import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import { loadPartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { pageLink } from '../support/daemon-client.ts';
import { orExit, type Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
}

export function pageCommand(terminal: Terminal): Command {
  return new Command('page')
    .description('print a link that logs you in to the page of the daemon, once')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => page(terminal, options),
      ),
    );
}

const help = `
The link is good for five minutes and for one login, as an operator. Only the user of the daemon and root get one. Users with a
name and a password: "kazoo-relay user".

Exit code: 0 printed, 2 the daemon does not run, or its HTTP port is off.

Example:
  kazoo-relay page`;

async function page(terminal: Terminal, options: Options): Promise<void> {
  const config = loadPartialConfig(findConfigFile(options.config, terminal.env), terminal.env);
  await terminal.print(printable(await pageLink(config.journal.path)));
}
