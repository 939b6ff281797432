import { resolve } from 'node:path';
import { Command } from 'commander';
import { pluralize, printable } from '../../common/text/format.ts';
import { journalAddress, routeInJournal, storeLocation } from '../../config/journal-place.ts';
import { loadPartialConfig, type PartialConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import type { Copied } from '../../journal/journal.ts';
import { storeAt } from '../../journal/open.ts';
import { notifications, orExit, type ProgressBar, progressBar, type Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly from: string;
}

export function journalCommand(terminal: Terminal): Command {
  return new Command('journal')
    .description('move a journal')
    .addCommand(copyCommand(terminal))
    .addHelpText('after', '\nExample:\n  kazoo-relay journal copy --from /var/lib/kazoo-relay');
}

function copyCommand(terminal: Terminal): Command {
  return new Command('copy')
    .description('copy a journal in a folder into the database that the configuration names')
    .requiredOption('--from <folder>', 'the folder of the journal; its daemon must be stopped')
    .option('-c, --config <file>', 'configuration file with journal.url')
    .addHelpText('after', help)
    .action(({ from, config: file }: Options) =>
      orExit(
        terminal,
        () => 2,
        async () => {
          const config = loadPartialConfig(findConfigFile(file, terminal.env), terminal.env);
          await copy(terminal, resolve(from), config);
        },
      ),
    );
}

const help = `
It copies notifications, positions of routes, waiting deliveries, dead letters and quarantine, the delivery log, pauses and the
audit. The folder keeps its journal. No daemon may run with the database meanwhile. Interrupted, the command can be run again: it
copies what is missing, and nothing twice.

Exit code: 0 all is in the database, 2 not done.

Example:
  kazoo-relay journal copy --from /var/lib/kazoo-relay`;

async function copy(terminal: Terminal, folder: string, config: PartialConfig): Promise<void> {
  const { copyFrom } = storeAt(storeLocation(config));
  if (copyFrom === undefined)
    throw new Error('the configuration has no journal.url: there is no database that the journal could be copied into');
  let bar: ProgressBar | undefined;
  const copied = await copyFrom(folder, {
    limits: config.journal,
    routeIn(name) {
      const route = config.routes.find((candidate) => candidate.name === name);
      return route === undefined ? name : routeInJournal(route, config);
    },
    tell(done, all) {
      bar ??= progressBar(terminal, all);
      bar.at(done);
    },
  }).finally(() => bar?.end());
  await terminal.print(printable(described(copied, folder, journalAddress(config.journal))));
}

function described(
  { notifications: count, before, records, routes, isNew }: Copied,
  folder: string,
  address: string,
): string {
  if (!isNew) return `the journal in ${folder} is in ${address} already: nothing was copied`;
  const known = before === 0 ? '' : ` (${before} of them were there already)`;
  return (
    `copied ${notifications(count)}${known}, ${pluralize(records, 'delivery that is', 'deliveries that are')} not settled, and ` +
    `${pluralize(routes, 'route')} from ${folder} to ${address}`
  );
}
