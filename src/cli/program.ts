import { Command, CommanderError } from 'commander';
import { wrap } from '../common/text/format.ts';
import { createTerminal, OutputError, type ProcessContext, type Terminal } from './support/terminal.ts';

/** Every command, in the order of the help, with what loads it. */
const commands: Readonly<Record<string, (terminal: Terminal) => Promise<Command>>> = {
  init: async (terminal) => (await import('./commands/init.ts')).initCommand(terminal),
  run: async (terminal) => (await import('./commands/run.ts')).runCommand(terminal),
  check: async (terminal) => (await import('./commands/check.ts')).checkCommand(terminal),
  config: async (terminal) => (await import('./commands/config.ts')).configCommand(terminal),
  events: async (terminal) => (await import('./commands/events.ts')).eventsCommand(terminal),
  validate: async (terminal) => (await import('./commands/validate.ts')).validateCommand(terminal),
  test: async (terminal) => (await import('./commands/test-config.ts')).testCommand(terminal),
  reload: async (terminal) => (await import('./commands/reload.ts')).reloadCommand(terminal),
  status: async (terminal) => (await import('./commands/status.ts')).statusCommand(terminal),
  why: async (terminal) => (await import('./commands/why.ts')).whyCommand(terminal),
  page: async (terminal) => (await import('./commands/page.ts')).pageCommand(terminal),
  user: async (terminal) => (await import('./commands/user.ts')).userCommand(terminal),
  dead: async (terminal) => (await import('./commands/dead.ts')).deadCommand(terminal),
  drift: async (terminal) => (await import('./commands/drift.ts')).driftCommand(terminal),
  waiting: async (terminal) => (await import('./commands/waiting.ts')).waitingCommand(terminal),
  replay: async (terminal) => (await import('./commands/replay.ts')).replayCommand(terminal),
  pause: async (terminal) => (await import('./commands/pause.ts')).pauseCommand(terminal),
  resume: async (terminal) => (await import('./commands/pause.ts')).resumeCommand(terminal),
  forget: async (terminal) => (await import('./commands/forget.ts')).forgetCommand(terminal),
  erase: async (terminal) => (await import('./commands/erase.ts')).eraseCommand(terminal),
  'accept-clock': async (terminal) => (await import('./commands/accept-clock.ts')).acceptClockCommand(terminal),
  audit: async (terminal) => (await import('./commands/audit.ts')).auditCommand(terminal),
  tail: async (terminal) => (await import('./commands/tail.ts')).tailCommand(terminal),
  probe: async (terminal) => (await import('./commands/probe.ts')).probeCommand(terminal),
  publish: async (terminal) => (await import('./commands/publish.ts')).publishCommand(terminal),
  database: async (terminal) => (await import('./commands/database.ts')).databaseCommand(terminal),
  completion: async (terminal) => (await import('./commands/completion.ts')).completionCommand(terminal),
};

/** The command that runs if none is named and there is no terminal; in a later release, none will. */
const unnamed = 'run';

const help = `
Examples:
  kazoo-relay run --config /etc/kazoo-relay/kazoo-relay.yaml
  kazoo-relay status
  kazoo-relay tail --follow`;

/**
 * The command line for these arguments. Where they begin with a command's name it has only that one, so that the daemon
 * loads nothing that only other commands need; where they don't, it has all: it may be a misspelt name, or ask for
 * help. Completion has to know them all.
 */
export async function createProgram([first = unnamed]: readonly string[], terminal: Terminal): Promise<Command> {
  // Not imported above: it finds package.json from a file below a folder of dist/, which main.js is not.
  const { version } = await import('../ops/process.ts');
  const program = new Command('kazoo-relay')
    .description('Takes every notification of a KAZOO phone system, keeps it safe on disk, and delivers it.')
    .version(`kazoo-relay ${version}`, '-V, --version', "print the program's version")
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', help);
  const isAlone = Object.hasOwn(commands, first) && first !== 'completion';
  for (const name of isAlone ? [first] : Object.keys(commands)) {
    const command = await commands[name]?.(terminal);
    if (command !== undefined) program.addCommand(command, { isDefault: name === unnamed });
  }
  atTerminal(program, terminal);
  return program;
}

/**
 * Lets a command throw what would end the process, and write its help and its complaints to the terminal.
 * @param command with all that are below it
 */
export function atTerminal(command: Command, terminal: Terminal): void {
  const { stdout } = terminal;
  const width = stdout.columns || widthElsewhere;
  command.exitOverride().configureOutput({
    writeOut: (text) => void stdout.write(reflow(text, width)),
    writeErr: (text) => terminal.complain(text.trimEnd()),
    getOutHelpWidth: () => width,
    getErrHelpWidth: () => widthElsewhere,
  });
  for (const inner of command.commands) atTerminal(inner, terminal);
}

/** Fits prose to a width, however it was wrapped. What is indented, options and examples, stays as it is. */
function reflow(text: string, width: number): string {
  const fit = (paragraph: string) => wrap(paragraph.replaceAll('\n', ' '), width).join('\n');
  return text.replace(/^\S.*(?:\n(?!Exit code:)\S.*)*/gm, fit);
}

/** Of help that goes to no terminal; the one that commander takes. */
const widthElsewhere = 80;

/**
 * Does what the arguments say. `run`, the daemon, also ends the process by itself.
 * @param args without the program's own name
 * @returns the exit code
 */
export function runCli(args: readonly string[], context: ProcessContext): Promise<number> {
  // Who types the name alone wants to know what it does. A service has no terminal.
  const isAsking = args.length === 0 && context.stdin.isTTY === true && context.stdout.isTTY === true;
  const meant = isAsking ? ['--help'] : args;
  return runProgram((terminal) => createProgram(meant, terminal), meant, context);
}

/** The same for any program. */
export async function runProgram(
  create: (terminal: Terminal) => Promise<Command>,
  args: readonly string[],
  context: ProcessContext,
): Promise<number> {
  const terminal = createTerminal(context);
  try {
    const program = await create(terminal);
    await program.parseAsync(args, { from: 'user' });
    return terminal.exitCode;
  } catch (error) {
    // Commander has said by itself what is wrong with the arguments.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof OutputError && error.readerIsGone) return 0;
    terminal.complain(`kazoo-relay: ${messageOf(error)}`);
    return exitCodeOf(error);
  }
}

/** As in the other commands, 2 where it is the configuration: it can't be started with that at all. */
function exitCodeOf(error: unknown): number {
  // By its name, because who needs no configuration doesn't load what reads one.
  return Error.isError(error) && error.name === 'ConfigError' ? 2 : 1;
}

/** An error with a name of its own is for the operator, and says all in its message; any other is a bug. */
function messageOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  const isBug = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isBug ? String(error.stack) : error.message;
}
