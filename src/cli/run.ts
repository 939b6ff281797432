import { Command } from 'commander';
import { findConfigFile, loadConfig } from '../config/load.ts';
import { createLog } from '../ops/log.ts';
import { startRelay } from '../relay.ts';

/** Signals that mean "stop": what systemd and docker send, and Ctrl-C. */
const stopSignals = ['SIGTERM', 'SIGINT'] as const;

export function runCommand(): Command {
  return new Command('run')
    .description('run the daemon until it is told to stop (SIGTERM or Ctrl-C; a second one ends it at once)')
    .option('-c, --config <file>', 'configuration file')
    .addHelpText('after', '\nExample:\n  kazoo-relay run --config /etc/kazoo-relay/kazoo-relay.yaml')
    .action(async ({ config }: { config?: string }) => run(findConfigFile(config)));
}

async function run(file: string): Promise<void> {
  const config = loadConfig(file);
  const log = createLog(config.log);
  log.info({ config: file, pid: process.pid }, 'starting');
  const stopped = nextSignal();
  const relay = await startRelay(config, log);
  const signal = await stopped;
  log.info({ signal }, 'stopping');
  process.once(signal, () => process.exit(1));
  await relay.stop(AbortSignal.timeout(config.shutdown.timeout));
  log.info('stopped');
}

function nextSignal(): Promise<(typeof stopSignals)[number]> {
  return new Promise((resolve) => {
    for (const signal of stopSignals) process.once(signal, () => resolve(signal));
  });
}
