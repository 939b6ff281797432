import { Command } from 'commander';
import { reasonOf } from '../../common/errors.ts';
import { counted } from '../../common/text/plural.ts';
import { printable } from '../../common/text/printable.ts';
import type { Config } from '../../config/config.ts';
import { type Finding, findingText } from '../../config/diagnostics.ts';
import { type Examined, examineConfig } from '../../config/load.ts';
import { createValidator } from '../../schema/validator.ts';
import { presentConfigFile } from '../support/config-file.ts';
import { connections, type Tried } from '../support/connections.ts';
import { orExit } from '../support/exit.ts';
import { overridesOf, takesOverrides } from '../support/overrides.ts';
import type { Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly connect?: true;
  readonly json?: true;
}

export function checkCommand(terminal: Terminal): Command {
  return takesOverrides(new Command('check'))
    .description('say everything that is wrong with the configuration, or surely not meant')
    .option('-c, --config <file>', 'configuration file')
    .option('--connect', 'try every broker and every sink too; nothing is consumed, delivered or changed')
    .option('--json', 'for programs')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => run(terminal, options),
      ),
    );
}

const help = `
A line is: file, line and column (or the variable or flag), the option, what is allowed, and the value, masked if it is secret.
Run it as the user that the daemon runs as: what may be read and written differs from user to user.
Exit code: 0 nothing is wrong (there may be warnings), 1 there are mistakes, or with --connect a broker or sink can't be used,
2 wrong options, or the configuration isn't there.

Examples:
  kazoo-relay check
  kazoo-relay check --config /etc/kazoo-relay/kazoo-relay.yaml --connect
  kazoo-relay check --json | jq -r '.mistakes[] | "\\(.source):\\(.line) \\(.option)"'`;

async function run(terminal: Terminal, options: Options): Promise<void> {
  const file = await fileFor(terminal, options);
  const examined = withSchemas(examineConfig(file, overridesOf({ ...options }, terminal.env)));
  const { config, mistakes, warnings } = examined;
  const tried = options.connect && config !== undefined ? await connections(config) : [];
  const isFine = mistakes.length === 0 && tried.every(({ ok }) => ok);
  if (options.json) await showJson(terminal, { ok: isFine, mistakes, warnings, connections: tried });
  else await show(terminal, file, examined, tried, options.connect ?? false);
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
interface Verdict extends Pick<Examined, 'mistakes' | 'warnings'> {
  readonly ok: boolean;
  readonly connections: readonly Tried[];
}

async function showJson(terminal: Terminal, verdict: Verdict): Promise<void> {
  await terminal.print(printable(JSON.stringify(verdict)));
}

/** Whether the schemas work can be said only by what compiles them. */
function withSchemas(examined: Examined): Examined {
  const { config, originOf } = examined;
  if (config === undefined) return examined;
  try {
    createValidator(config.validation.schemas);
    return examined;
  } catch (error) {
    const { source, line, column } = originOf(['validation', 'schemas']) ?? { source: 'default' };
    const place = { source, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
    const mistake = { ...place, option: 'validation.schemas', message: reasonOf(error) };
    return { ...examined, config: undefined, mistakes: [mistake] };
  }
}

async function show(
  terminal: Terminal,
  file: string,
  { config, mistakes, warnings }: Examined,
  tried: readonly Tried[],
  wasTried: boolean,
): Promise<void> {
  for (const mistake of mistakes) await terminal.print(`${terminal.paint('red', 'mistake')}  ${line(mistake)}`);
  for (const warning of warnings) await terminal.print(`${terminal.paint('yellow', 'warning')}  ${line(warning)}`);
  const width = Math.max(...tried.map(({ name }) => name.length));
  for (const { name, ok, found } of tried) {
    const state = ok ? terminal.paint('green', 'ok     ') : terminal.paint('red', 'failed ');
    await terminal.print(`${state}  ${printable(`${name.padEnd(width)}  ${found}`)}`);
  }
  if (config === undefined && wasTried)
    await terminal.print('Nothing was tried: first the configuration must be without mistakes.');
  await terminal.print(summaryOf(file, config, mistakes.length, warnings.length));
}

function line(finding: Finding): string {
  return printable(findingText(finding));
}

function summaryOf(file: string, config: Config | undefined, mistakes: number, warnings: number): string {
  const doubts = warnings === 0 ? '' : `, ${counted(warnings, 'warning')}`;
  if (config === undefined) return `${file}: ${counted(mistakes, 'mistake')}${doubts}`;
  return `${file}: ${counted(config.brokers.length, 'broker')}, ${counted(config.routes.length, 'route')}, no mistakes${doubts}`;
}
