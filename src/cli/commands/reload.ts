import { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import { ConfigError } from '../../config/diagnostics.ts';
import { loadOutlineConfig } from '../../config/load.ts';
import type { Changes } from '../../relay/changes.ts';
import type { ReloadReport } from '../../relay/reload.ts';
import { presentConfigFile } from '../support/args.ts';
import { reloadDaemon } from '../support/daemon-client.ts';
import type { Terminal } from '../support/terminal.ts';
import { orExit } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly json?: true;
}

export function reloadCommand(terminal: Terminal): Command {
  return new Command('reload')
    .description('make the daemon load its configuration again (as SIGHUP does), and report the result')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('--json', 'one JSON object, for programs')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => {
          const file = presentConfigFile(options.config, terminal.env);
          return orExit(
            terminal,
            (error) => (error instanceof ConfigError ? 1 : 2),
            () => reload(terminal, file, options),
          );
        },
      ),
    );
}

const help = `
Routes and brokers that haven't changed continue. Those that have are replaced when their deliveries in flight have ended. An
invalid configuration changes nothing.

Exit code: 0 reloaded, 1 not reloaded, because the configuration is invalid, 2 no daemon runs, there is no configuration, or
wrong options.

Example:
  kazoo-relay reload --config /etc/kazoo-relay/kazoo-relay.yaml`;

async function reload(terminal: Terminal, file: string, { json }: Options): Promise<void> {
  const { path } = loadOutlineConfig(file).journal;
  const report = await reloadDaemon(path);
  if (report === null)
    throw new Error(`no daemon runs on the journal in ${path}; if journal.path has changed, restart the daemon`);
  if ('error' in report) throw new Error(report.error);
  if (!report.reloaded) terminal.exitCode = 1;
  if (json) return terminal.print(printable(JSON.stringify(report)));
  // Programs get it as it came.
  const timeOf = (changed: string) => (terminal.width === undefined ? changed : terminal.time(Date.parse(changed)));
  for (const line of describe(report, timeOf).split('\n')) await terminal.say(printable(line), 2);
}

function describe(
  { reloaded, reason, read, routes, brokers, applied, needs_restart }: ReloadReport,
  timeOf: (changed: string) => string,
): string {
  // A daemon of the version before doesn't say it.
  const files = (read ?? []).map(({ file, changed }) =>
    changed === null ? `${file} is gone` : `read ${file}, last changed ${timeOf(changed)}`,
  );
  if (!reloaded) return ['not reloaded; the daemon keeps the configuration that it has:', reason, ...files].join('\n');
  const lines = [
    ...changeLines('route', routes),
    ...changeLines('broker', brokers),
    ...applied.map((option) => `option ${option}: applied`),
    ...needs_restart.map((option) => `option ${option}: needs a restart to take effect`),
  ];
  return ['reloaded', ...(lines.length === 0 ? [unchanged] : lines), ...files].join('\n');
}

/** Schemas of your own aren't compared. */
const unchanged =
  'nothing has changed in routes, brokers and options; files of validation.schemas are read again at each reload';

function changeLines(what: string, { added, replaced, removed }: Changes): string[] {
  const line = (change: string) => (name: string) => `${what} ${name}: ${change}`;
  return [...added.map(line('added')), ...replaced.map(line('replaced')), ...removed.map(line('removed'))];
}
