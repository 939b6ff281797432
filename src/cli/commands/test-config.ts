import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { pluralize, printable } from '../../common/text/format.ts';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { createRehearsal } from '../../relay/rehearsal.ts';
import type { Decision } from '../../routes/match.ts';
import { type ConfigTest, type Expectation, readConfigTests } from '../support/config-tests.ts';
import { orExit, type Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
}

export function testCommand(terminal: Terminal): Command {
  return new Command('test')
    .description('test which routes of a configuration get which notifications; connects to no broker and no sink')
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
      event: missed_call         # the example of the catalogue
                                 # (or notification: { … })
      with: { caller_id_number: '+4930123456' }  # changes; null removes a key
      zone: west                 # default: the zone of the first broker
      routes: [archive, crm]     # these routes get it, and no others
      quarantine: []             # these routes quarantine it
      gets:
        crm: { data.caller_id_number: '+4930123456', data.to: null }

Exit code: 0 all cases are as expected, 1 at least one differs, 2 wrong options, or a file that can't be used.

Example:
  kazoo-relay test --config /etc/kazoo-relay/kazoo-relay.yaml`;

async function test(terminal: Terminal, named: string | undefined, options: Options): Promise<void> {
  const configFile = findConfigFile(options.config, terminal.env);
  const config = loadConfig(configFile, terminal);
  const routes = config.routes.map(({ name }) => name);
  const file = named ?? besides(configFile);
  if (!existsSync(file))
    throw new Error(`there is no file of cases ${file}: "kazoo-relay test --help" shows what one has in it`);
  const cases = readConfigTests(file, routes);
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
  await terminal.say(`${terminal.paint('red', 'differs')}  ${printable(name)} (${printable(location)})`, 9);
  for (const difference of differences) await terminal.say(`           ${printable(difference)}`, 13);
}

/** Compares the routes' results with those that a case expects, and returns a line for each difference. */
type ConfigTestRunner = (configTest: ConfigTest) => string[];

/**
 * Does with a notification what the daemon does, but for the broker, the journal and the sinks.
 * @throws SchemaError, ConditionError
 */
export function createConfigTestRunner(config: Config): ConfigTestRunner {
  const rehearse = createRehearsal(config);
  return (configTest) =>
    rehearse(configTest).routes.flatMap(({ name, decision, whyNot, envelope }) => {
      const expected = configTest.expected.get(name);
      const wrong = wrongDecision(decision, expected, whyNot);
      if (wrong !== undefined) return [`${name} ${wrong}`];
      if (decision !== 'deliver' || expected === undefined) return [];
      return differencesIn(JSON.parse(envelope()), expected.gets).map((difference) => `${name} gets ${difference}`);
    });
}

function wrongDecision(
  decision: Decision,
  expected: Expectation | undefined,
  whyNot: string | null,
): string | undefined {
  const does = typeof decision === 'string' ? decision : 'quarantine';
  const should = expected?.decision ?? 'skip';
  if (does === should) return undefined;
  const why = typeof decision === 'string' ? whyNot : decision.quarantine;
  return `${verbs[should].should}, ${verbs[does].does}${why === null ? '' : ` (${why})`}`;
}

const verbs = {
  deliver: { should: 'should get it', does: 'and gets it' },
  skip: { should: 'should not get it', does: 'but does not get it' },
  quarantine: { should: 'should have it quarantined', does: 'but has it quarantined' },
} as const;

function differencesIn(envelope: unknown, gets: ReadonlyMap<string, unknown>): string[] {
  return [...gets].flatMap(([path, expected]) => {
    const actual = at(envelope, path.split('.'));
    if (isDeepStrictEqual(actual ?? null, expected)) return [];
    const shown = actual === undefined ? 'nothing' : JSON.stringify(actual);
    return [`${shown} in ${path}, and should get ${expected === null ? 'nothing' : JSON.stringify(expected)}`];
  });
}

function at(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return at(Reflect.get(value, step), rest);
}
