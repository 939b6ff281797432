import { extname } from 'node:path';
import { Command } from 'commander';
import { pluralize, printable } from '../../common/text/format.ts';
import { loadConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { type ConfigTest, readConfigTests } from '../support/config-tests/read.ts';
import { createConfigTestRunner } from '../support/config-tests/run.ts';
import type { Terminal } from '../support/terminal.ts';
import { orExit } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
}

export function testCommand(terminal: Terminal): Command {
  return new Command('test')
    .description(
      'try a configuration on notifications: which routes get them, and what; no broker and no sink is touched',
    )
    .argument('[file]', 'file of cases; by default that beside the configuration: kazoo-relay.test.yaml')
    .option('-c, --config <file>', 'configuration file')
    .addHelpText('after', help)
    .action((file: string | undefined, options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => test(terminal, file, options),
      ),
    );
}

const help = `
A case:

  cases:
    - name: a missed call from Germany
      event: missed_call                            # the catalogue's example; or notification: { … }
      with: { caller_id_number: '+4930123456' }     # changes in it; null removes
      zone: west                                    # default: that of the first broker
      routes: [archive, crm]                        # get it, and no others do
      quarantine: []                                # have it quarantined
      gets:
        crm: { data.caller_id_number: '+4930123456', data.to: null }

Exit code: 0 all is as it should be, 1 something differs, 2 wrong options, or a file that can't be used.

Example:
  kazoo-relay test --config /etc/kazoo-relay/kazoo-relay.yaml`;

async function test(terminal: Terminal, named: string | undefined, options: Options): Promise<void> {
  const configFile = findConfigFile(options.config, terminal.env);
  const config = loadConfig(configFile, terminal);
  const routes = config.routes.map(({ name }) => name);
  const cases = readConfigTests(named ?? besides(configFile), routes);
  const trial = createConfigTestRunner(config);
  let wrong = 0;
  for (const one of cases) {
    const differences = trial(one);
    await show(terminal, one, differences);
    if (differences.length > 0) wrong += 1;
  }
  await terminal.print(`${pluralize(cases.length, 'case')}: ${cases.length - wrong} as they should be, ${wrong} not`);
  if (wrong > 0) terminal.exitCode = 1;
}

/** `kazoo-relay.yaml` has its cases in `kazoo-relay.test.yaml`. */
function besides(file: string): string {
  const extension = extname(file);
  return `${file.slice(0, file.length - extension.length)}.test${extension}`;
}

async function show(terminal: Terminal, { name, location }: ConfigTest, differences: readonly string[]): Promise<void> {
  if (differences.length === 0) return terminal.print(`${terminal.paint('green', 'ok')}       ${printable(name)}`);
  await terminal.print(`${terminal.paint('red', 'differs')}  ${printable(name)} (${printable(location)})`);
  for (const difference of differences) await terminal.print(`           ${printable(difference)}`);
}
