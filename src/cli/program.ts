import { Command } from 'commander';
import { exitCode2 } from './exit.ts';

/** Every command, in the order of the help, with what loads it. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).runCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  config: async () => (await import('./config.ts')).configCommand(),
  events: async () => (await import('./events.ts')).eventsCommand(),
  validate: async () => (await import('./validate.ts')).validateCommand(),
  test: async () => (await import('./test.ts')).testCommand(),
  reload: async () => (await import('./reload.ts')).reloadCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  dead: async () => (await import('./dead.ts')).deadCommand(),
  waiting: async () => (await import('./waiting.ts')).waitingCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  forget: async () => (await import('./forget.ts')).forgetCommand(),
  'accept-clock': async () => (await import('./accept-clock.ts')).acceptClockCommand(),
  tail: async () => (await import('./tail.ts')).tailCommand(),
  probe: async () => (await import('./probe.ts')).probeCommand(),
  publish: async () => (await import('./publish.ts')).publishCommand(),
  database: async () => (await import('./database.ts')).databaseCommand(),
  quickstart: async () => (await import('./quickstart.ts')).quickstartCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(),
};

/** What is run when no command is named. */
const unnamed = 'run';

const help = `
Examples:
  kazoo-relay --config /etc/kazoo-relay/kazoo-relay.yaml
  kazoo-relay status
  kazoo-relay tail --follow`;

/**
 * The command line for these arguments. Where they begin with a command's name it has only that one, so that the daemon
 * loads nothing that only other commands need; where they don't, it has all: it may be a misspelt name, or ask for
 * help. Completion has to know them all.
 */
export async function createProgram([first = unnamed]: readonly string[]): Promise<Command> {
  // Not imported above: it finds package.json from a file below a folder of dist/, which main.js is not.
  const { version } = await import('../ops/version.ts');
  const program = new Command('kazoo-relay')
    .description('Takes every notification of a KAZOO phone system, keeps it safe on disk, and delivers it.')
    .version(`kazoo-relay ${version}`, '-V, --version', "print the program's version")
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', help);
  const isAlone = Object.hasOwn(commands, first) && first !== 'completion';
  for (const name of isAlone ? [first] : Object.keys(commands)) {
    const command = await commands[name]?.();
    if (command !== undefined) program.addCommand(command, { isDefault: name === unnamed });
  }
  exitCode2(program);
  return program;
}
