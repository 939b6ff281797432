import { Command } from 'commander';
import pino from 'pino';
import { testBrokerConnection } from '../../broker/connection-test.ts';
import { within } from '../../common/async/deadlines.ts';
import { reasonOf } from '../../common/errors.ts';
import { pluralize, printable } from '../../common/text/format.ts';
import type { Config } from '../../config/config.ts';
import { type Diagnostic, diagnosticLines } from '../../config/diagnostics.ts';
import { journalAddress, ownFolder, storeLocation } from '../../config/journal-place.ts';
import { type CheckedConfig, checkConfig } from '../../config/load.ts';
import { storeAt } from '../../journal/open.ts';
import { createValidator } from '../../schema/validator.ts';
import { sinkKind } from '../../sinks/registry.ts';
import { overridesOf, presentConfigFile, takesOverrides } from '../support/args.ts';
import { configDifference } from '../support/daemon-client.ts';
import { orExit, type Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly connect?: true;
  readonly strict?: true;
  readonly json?: true;
}

export function checkCommand(terminal: Terminal): Command {
  return takesOverrides(new Command('check'))
    .description('report all errors of the configuration, and what is probably a mistake')
    .option('-c, --config <file>', 'configuration file')
    .option('--connect', 'also connect to every broker and sink; nothing is consumed, delivered or changed')
    .option('--strict', 'exit with 1 if there are warnings')
    .option('--json', 'one JSON object, for programs')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => check(terminal, options),
      ),
    );
}

const help = `
Each line has the location (file, line and column, or the variable or flag), the option, what is allowed, and the value, masked
if it is secret. Run it as the user of the daemon, because permissions differ from user to user.
Exit code: 0 no errors (there may be warnings), 1 errors, or with --strict warnings, or with --connect a broker or sink that can't
be used, 2 wrong options, or no configuration.

Examples:
  kazoo-relay check
  kazoo-relay check --config /etc/kazoo-relay/kazoo-relay.yaml --connect
  kazoo-relay check --json | jq -r '.mistakes[] | "\\(.source):\\(.line) \\(.option)"'`;

export async function check(terminal: Terminal, options: Options): Promise<void> {
  const file = await fileFor(terminal, options);
  const checked = withSchemas(checkConfig(file, overridesOf({ ...options }, terminal.env)));
  const { config, errors, warnings, filesNow } = checked;
  const tried = options.connect && config !== undefined ? await testConnections(config) : [];
  const isRight = errors.length === 0 && !(options.strict && warnings.length > 0);
  const isFine = isRight && tried.every(({ ok }) => ok);
  const note = config === undefined ? undefined : await configDifference(ownFolder(config.journal), file, filesNow);
  if (options.json)
    await showJson(terminal, {
      ok: isFine,
      mistakes: errors,
      warnings,
      connections: tried,
      ...(note !== undefined && { note }),
    });
  else {
    await show(terminal, file, checked, tried, options.connect ?? false);
    if (note !== undefined) await terminal.say(`${terminal.paint('dim', 'note')}     ${printable(note)}`, 9);
  }
  if (!isFine) terminal.exitCode = 1;
}

/** Programs too are told where there is no file to check. @throws Error that says so */
async function fileFor(terminal: Terminal, { config, json }: Options): Promise<string> {
  try {
    return presentConfigFile(config, terminal.env);
  } catch (error) {
    const source = config ?? terminal.env.KAZOO_RELAY_CONFIG ?? '';
    const mistakes = [{ source, option: '', message: reasonOf(error) }];
    if (json) await showJson(terminal, { ok: false, mistakes, warnings: [], connections: [] });
    throw error;
  }
}

/** What `--json` prints. */
interface Verdict extends Pick<CheckedConfig, 'warnings'> {
  readonly ok: boolean;
  readonly mistakes: CheckedConfig['errors'];
  readonly connections: readonly ConnectionTest[];
  /** Where a daemon runs with another configuration, or with an earlier state of this one. */
  readonly note?: string;
}

async function showJson(terminal: Terminal, verdict: Verdict): Promise<void> {
  await terminal.print(printable(JSON.stringify(verdict)));
}

/** Only compiling the schemas shows whether they can be used. */
function withSchemas(checked: CheckedConfig): CheckedConfig {
  const { validation, originOf } = checked;
  if (validation === undefined) return checked;
  try {
    createValidator(validation.schemas);
    return checked;
  } catch (cause) {
    const { source, line, column } = originOf(['validation', 'schemas']) ?? { source: 'default' };
    const location = { source, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
    const error = { ...location, option: 'validation.schemas', message: reasonOf(cause) };
    return { ...checked, config: undefined, errors: [...checked.errors, error] };
  }
}

async function show(
  terminal: Terminal,
  file: string,
  { config, errors, warnings }: CheckedConfig,
  tried: readonly ConnectionTest[],
  wasTried: boolean,
): Promise<void> {
  for (const error of errors) await showDiagnostic(terminal, terminal.paint('red', 'mistake'), error);
  for (const warning of warnings) await showDiagnostic(terminal, terminal.paint('yellow', 'warning'), warning);
  const width = Math.max(...tried.map(({ name }) => name.length));
  for (const { name, ok, found } of tried) {
    const state = ok ? terminal.paint('green', 'ok     ') : terminal.paint('red', 'failed ');
    const lines = found.split('\n').map(printable);
    for (const [index, line] of lines.entries()) {
      const before =
        index === 0 ? `${state}  ${printable(name.padEnd(width))}` : ' '.repeat('failed   '.length + width);
      await terminal.say(`${before}  ${line}`, 9 + width + 2);
    }
  }
  if (config === undefined && wasTried)
    await terminal.say('Nothing was tried: first the configuration must be without mistakes.');
  await terminal.say(summaryOf(file, config, errors.length, warnings.length));
}

async function showDiagnostic(terminal: Terminal, kind: string, diagnostic: Diagnostic): Promise<void> {
  const margin = 9;
  const room = terminal.width === undefined ? undefined : terminal.width - margin;
  const [first = '', ...below] = diagnosticLines(diagnostic, room).map(printable);
  await terminal.say(`${kind}  ${first}`, margin);
  for (const line of below) await terminal.print(`${' '.repeat(margin)}${line}`);
}

function summaryOf(file: string, config: Config | undefined, errors: number, warnings: number): string {
  const warned = warnings === 0 ? '' : `, ${pluralize(warnings, 'warning')}`;
  if (config === undefined) return `${file}: ${pluralize(errors, 'mistake')}${warned}`;
  return `${file}: ${pluralize(config.brokers.length, 'broker')}, ${pluralize(config.routes.length, 'route')}, no mistakes${warned}`;
}

/** How a try went. */
interface ConnectionTest {
  /** `broker west 10.0.0.11:5672`, `route crm (webhook)`. */
  readonly name: string;
  readonly ok: boolean;
  /** The finding, or the obstacle. */
  readonly found: string;
}

/** Milliseconds; brokers and sinks have their own time-outs, most of them shorter. */
const longest = 30_000;

/**
 * Tries the journal's folder, every broker and every sink of a configuration, all at once. Nothing is changed by it.
 */
function testConnections(config: Config): Promise<ConnectionTest[]> {
  const { brokers, routes, intake, queue } = config;
  const context = { log: pino({ level: 'silent' }), maxBodySize: intake.maxBodySize };
  return Promise.all([
    attempt(`journal ${journalAddress(config.journal)}`, () => storeAt(storeLocation(config)).testAccess()),
    ...brokers.map((broker) =>
      attempt(`broker ${broker.zone} ${new URL(broker.url).host}`, () =>
        testBrokerConnection(broker, { ...intake, queue }),
      ),
    ),
    ...routes.map(({ name, host, sink }) =>
      attempt(`route ${name} (${sink.type})`, async () =>
        host === undefined || host === config.name || config.journal.url === undefined
          ? (await sinkKind(sink.type)).connectionTest(sink.options, { ...context, route: name })
          : `not tried here: only the daemon ${host} runs it`,
      ),
    ),
  ]);
}

async function attempt(name: string, work: () => Promise<string | readonly string[]>): Promise<ConnectionTest> {
  try {
    return { name, ok: true, found: [await within(longest, name, work())].flat().join('\n') };
  } catch (error) {
    return { name, ok: false, found: reasonOf(error) };
  }
}
