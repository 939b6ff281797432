import { Command } from 'commander';

/** Every command, in the order of the help, with what loads it. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).runCommand(),
  events: async () => (await import('./events.ts')).eventsCommand(),
  validate: async () => (await import('./validate.ts')).validateCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  dead: async () => (await import('./dead.ts')).deadCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  tail: async () => (await import('./tail.ts')).tailCommand(),
  probe: async () => (await import('./probe.ts')).probeCommand(),
  publish: async () => (await import('./publish.ts')).publishCommand(),
  database: async () => (await import('./database.ts')).databaseCommand(),
  quickstart: async () => (await import('./quickstart.ts')).quickstartCommand(),
};

/** What is run when no command is named. */
const unnamed = 'run';

/**
 * The command line for these arguments. Where they begin with a command's name it has only that one, so that the daemon
 * loads nothing that only other commands need; where they don't, it has all: it may be a misspelt name, or ask for help.
 */
export async function createProgram([first = unnamed]: readonly string[]): Promise<Command> {
  const program = new Command('kazoo-relay')
    .description('Takes every notification of a KAZOO phone system, keeps it safe on disk, and delivers it.')
    .showHelpAfterError('(add --help for the options)');
  for (const name of Object.hasOwn(commands, first) ? [first] : Object.keys(commands)) {
    const command = await commands[name]?.();
    if (command !== undefined) program.addCommand(command, { isDefault: name === unnamed });
  }
  return program;
}
