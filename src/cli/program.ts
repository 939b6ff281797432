import { Command } from 'commander';
import { checkCommand } from './check.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { databaseCommand } from './database.ts';
import { deadCommand } from './dead.ts';
import { eventsCommand } from './events.ts';
import { probeCommand } from './probe.ts';
import { publishCommand } from './publish.ts';
import { quickstartCommand } from './quickstart.ts';
import { reloadCommand } from './reload.ts';
import { replayCommand } from './replay.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { tailCommand } from './tail.ts';
import { testCommand } from './test.ts';
import { validateCommand } from './validate.ts';

const help = `
Examples:
  kazoo-relay --config /etc/kazoo-relay/kazoo-relay.yaml
  kazoo-relay status
  kazoo-relay tail --follow`;

/** The whole command line. */
export function createProgram(): Command {
  return new Command('kazoo-relay')
    .description('Takes every notification of a KAZOO phone system, keeps it safe on disk, and delivers it.')
    .showHelpAfterError('(add --help for the options)')
    .addCommand(runCommand(), { isDefault: true })
    .addCommand(checkCommand())
    .addCommand(configCommand())
    .addCommand(eventsCommand())
    .addCommand(validateCommand())
    .addCommand(testCommand())
    .addCommand(reloadCommand())
    .addCommand(statusCommand())
    .addCommand(deadCommand())
    .addCommand(replayCommand())
    .addCommand(tailCommand())
    .addCommand(probeCommand())
    .addCommand(publishCommand())
    .addCommand(databaseCommand())
    .addCommand(quickstartCommand())
    .addCommand(completionCommand())
    .addHelpText('after', help);
}
