import { extname } from 'node:path';
import { Command } from 'commander';
import { findConfigFile, loadConfig } from '../config/load.ts';
import { counted } from '../counted.ts';
import { type Case, readCases } from './cases/read.ts';
import { createTrial } from './cases/trial.ts';
import { orExit } from './exit.ts';
import { paint, print, printable } from './output.ts';

interface Options {
  readonly config?: string;
}

export function testCommand(): Command {
  return new Command('test')
    .description(
      'try a configuration on notifications: which routes get them, and what; no broker and no sink is touched',
    )
    .argument('[file]', 'file of cases; by default that beside the configuration: kazoo-relay.test.yaml')
    .option('-c, --config <file>', 'configuration file')
    .addHelpText('after', help)
    .action((file: string | undefined, options: Options) =>
      orExit(
        () => 2,
        () => test(file, options),
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

async function test(named: string | undefined, options: Options): Promise<void> {
  const configFile = findConfigFile(options.config);
  const config = loadConfig(configFile);
  const routes = config.routes.map(({ name }) => name);
  const cases = readCases(named ?? besides(configFile), routes);
  const trial = createTrial(config);
  let wrong = 0;
  for (const one of cases) {
    const differences = trial(one);
    await show(one, differences);
    if (differences.length > 0) wrong += 1;
  }
  await print(`${counted(cases.length, 'case')}: ${cases.length - wrong} as they should be, ${wrong} not`);
  if (wrong > 0) process.exitCode = 1;
}

/** `kazoo-relay.yaml` has its cases in `kazoo-relay.test.yaml`. */
function besides(file: string): string {
  const extension = extname(file);
  return `${file.slice(0, file.length - extension.length)}.test${extension}`;
}

async function show({ name, place }: Case, differences: readonly string[]): Promise<void> {
  if (differences.length === 0) return print(`${paint('green', 'ok')}       ${printable(name)}`);
  await print(`${paint('red', 'differs')}  ${printable(name)} (${printable(place)})`);
  for (const difference of differences) await print(`           ${printable(difference)}`);
}
