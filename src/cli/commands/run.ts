import { setImmediate as nextTurn } from 'node:timers/promises';
import { Command } from 'commander';
import type { Logger } from 'pino';
import { onSignal, releaseStops, stopSignals } from '../../common/async/early-signals.ts';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import { suggestionFor } from '../../common/text/did-you-mean.ts';
import type { Config } from '../../config/config.ts';
import { diagnosticText } from '../../config/diagnostics.ts';
import { ownFolder, storeLocation } from '../../config/journal-place.ts';
import { type LoadedConfig, readConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import type { Overrides } from '../../config/read/variables.ts';
import { storeAt } from '../../journal/open.ts';
import { refuseSecond } from '../../ops/control.ts';
import { createLog, type Log, listenToSignals } from '../../ops/log.ts';
import { boundYoungGeneration, version } from '../../ops/process.ts';
import { type Notifier, openNotifier } from '../../ops/systemd.ts';
import { type Relay, startRelay } from '../../relay/relay.ts';
import { overridesOf, takesOverrides } from '../support/args.ts';
import { pageLink } from '../support/daemon-client.ts';
import type { Terminal } from '../support/terminal.ts';

interface Options {
  readonly config?: string;
  readonly pageLink?: boolean;
  readonly rebuild?: boolean;
}

export function runCommand(terminal: Terminal): Command {
  return (
    takesOverrides(new Command('run'))
      .description(
        'run the daemon until SIGTERM or Ctrl-C (a second one ends it at once); the default command without a terminal',
      )
      .option('-c, --config <file>', 'configuration file')
      .option('--page-link', 'write a link to the log that logs in to the page, once')
      .option('--rebuild', 'first replace a damaged journal by a new one with all that can be read')
      .addHelpText('after', help)
      // It is the command that is run without a name, so a misspelt name of another one comes here.
      .allowExcessArguments()
      .action(async (options: Options, command: Command) => {
        const [unknown] = command.args;
        if (unknown !== undefined) refuse(unknown, command);
        if (command.parent?.args[0] !== command.name()) terminal.complain(unnamed);
        await run(findConfigFile(options.config, terminal.env), overridesOf({ ...options }, terminal.env), options);
      })
  );
}

const unnamed =
  'kazoo-relay: no command is named, so this runs the daemon; write kazoo-relay run, since a later release shows the help instead';

const help = `
SIGUSR2 sets the level of the log to debug, and back. SIGHUP reloads the configuration.
Exit code: 0 stopped by a signal, 1 it can't start (because of the journal, for example), or a second signal ended it, 2 wrong
options, or a configuration that can't be used.

Examples:
  kazoo-relay run --config /etc/kazoo-relay/kazoo-relay.yaml
  kazoo-relay run --log-level debug --log-format pretty
  kazoo-relay run --rebuild`;

function refuse(unknown: string, command: Command): never {
  const use = `--config ${unknown}`;
  if (command.parent?.args[0] === command.name()) command.error(`error: run takes no file: use ${use}`);
  const names = command.parent?.commands.map((other) => other.name()) ?? [];
  const hint = /[./]/.test(unknown) ? `; for a configuration file use ${use}` : suggestionFor(unknown, names);
  command.error(`error: there is no command '${unknown}'${hint}`);
}

async function run(file: string, overrides: Overrides, options: Options): Promise<void> {
  const loaded = readConfig(file, overrides);
  const ownLog = await createLog(loaded.config.log);
  try {
    await runDaemon(file, overrides, options, loaded, ownLog);
  } finally {
    // Before any message about the failure.
    await ownLog.close();
  }
}

async function runDaemon(
  file: string,
  overrides: Overrides,
  options: Options,
  loaded: LoadedConfig,
  ownLog: Log,
): Promise<void> {
  boundYoungGeneration();
  const { config } = loaded;
  const log = ownLog.logger;
  listenToSignals(ownLog);
  const routes = config.routes.map(({ name }) => name);
  log.info({ version, node: process.versions.node, config: file, routes, pid: process.pid }, messages.starting);
  logWarnings(loaded, log);
  await refuseSecond(ownFolder(config.journal));
  if (options.rebuild) {
    // Signals received so far are handled first. From then on a signal to stop ends the process, and the journal is
    // unchanged.
    await nextTurn();
    releaseStops();
    const store = storeAt(storeLocation(config));
    if (store.rebuild === undefined) throw new Error('--rebuild is for a journal in files; this one has none');
    await store.rebuild(
      config.routes.map(({ name }) => name),
      log,
    );
  }
  const stopped = nextSignal();
  releaseStops();
  let notifier: Notifier | undefined;
  const starting = startRelay(loaded, ownLog, {
    load() {
      const again = readConfig(file, overrides);
      logWarnings(again, log);
      return again;
    },
    onReload() {
      notifier?.reloading();
      return () => notifier?.ready();
    },
  });
  // An early one takes effect when everything has started. The log has the result.
  onSignal('SIGHUP', () => void starting.then((relay) => relay.reload()).catch(() => undefined));
  const relay = await starting;
  notifier = await openNotifier(relay.health, log);
  notifier.ready();
  if (options.pageLink) void writePageLink(relay, config, log);
  const signal = await stopped;
  log.info({ signal }, messages.stopping);
  for (const another of stopSignals) process.once(another, () => process.exit(1));
  await notifier.stopping();
  await relay.stop();
  log.info(messages.stopped);
}

async function writePageLink({ pageOpened }: Relay, { journal }: Config, log: Logger): Promise<void> {
  await pageOpened;
  try {
    log.info({ link: await pageLink(ownFolder(journal)) }, messages.pageLink);
  } catch (error) {
    log.warn({ reason: reasonOf(error) }, messages.noPageLink);
  }
}

function logWarnings({ warnings }: LoadedConfig, log: Logger): void {
  for (const warning of warnings) log.warn({ warning: diagnosticText(warning) }, messages.configWarning);
}

function nextSignal(): Promise<(typeof stopSignals)[number]> {
  return new Promise((resolve) => {
    for (const signal of stopSignals) process.once(signal, () => resolve(signal));
  });
}
