import { Command } from 'commander';
import { findConfigFile, loadConfig } from '../config/load.ts';
import { rebuildJournal } from '../journal/rebuild.ts';
import { nearest } from '../nearest.ts';
import { createLog } from '../ops/log.ts';
import { startRelay } from '../relay.ts';

/** Signals that mean "stop": what systemd and docker send, and Ctrl-C. */
const stopSignals = ['SIGTERM', 'SIGINT'] as const;

export function runCommand(): Command {
  return (
    new Command('run')
      .description('run the daemon until it is told to stop (SIGTERM or Ctrl-C; a second one ends it at once)')
      .option('-c, --config <file>', 'configuration file')
      .option('--rebuild', 'before it starts: where the journal is damaged, make a new one of what can be read of it')
      .addHelpText('after', '\nExample:\n  kazoo-relay run --config /etc/kazoo-relay/kazoo-relay.yaml')
      // It is the command that is run without a name, so a misspelt name of another one comes here.
      .allowExcessArguments()
      .action(async ({ config, rebuild = false }: { config?: string; rebuild?: boolean }, command: Command) => {
        const [unknown] = command.args;
        if (unknown !== undefined) refuse(unknown, command);
        await run(findConfigFile(config), rebuild);
      })
  );
}

function refuse(unknown: string, command: Command): never {
  const near = nearest(unknown, command.parent?.commands.map((other) => other.name()) ?? []);
  command.error(`error: there is no command '${unknown}'${near === undefined ? '' : `; did you mean ${near}?`}`);
}

async function run(file: string, rebuild: boolean): Promise<void> {
  const config = loadConfig(file);
  const log = await createLog(config.log);
  log.info({ config: file, pid: process.pid }, 'starting');
  // No signal is listened to yet: one ends it, and the journal stands as it did.
  if (rebuild)
    rebuildJournal(
      config.journal.path,
      config.routes.map(({ name }) => name),
      log,
    );
  const stopped = nextSignal();
  const relay = await startRelay(config, log);
  const signal = await stopped;
  log.info({ signal }, 'stopping');
  for (const another of stopSignals) process.once(another, () => process.exit(1));
  await relay.stop(AbortSignal.timeout(config.shutdown.timeout));
  log.info('stopped');
  // Whatever a reader of stdout hasn't taken must not keep us.
  process.exit(0);
}

function nextSignal(): Promise<(typeof stopSignals)[number]> {
  return new Promise((resolve) => {
    for (const signal of stopSignals) process.once(signal, () => resolve(signal));
  });
}
