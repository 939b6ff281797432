import type { Command } from 'commander';
import { reasonOf } from '../../common/errors.ts';
import { OutputError, type Terminal } from './terminal.ts';

/**
 * Lets a command throw what would end the process, and write its help and its complaints to the terminal.
 * @param command with all that are below it
 */
export function atTerminal(command: Command, terminal: Terminal): void {
  const { stdout, stderr } = terminal;
  command.exitOverride().configureOutput({
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void stderr.write(text),
    getOutHelpWidth: () => stdout.columns ?? widthElsewhere,
    getErrHelpWidth: () => widthElsewhere,
  });
  for (const inner of command.commands) atTerminal(inner, terminal);
}

/** Of help that goes to no terminal; the one that commander takes. */
const widthElsewhere = 80;

/**
 * Does the work; what it throws becomes one line on stderr and an exit code. That is 2 for what a command can't do at
 * all: wrong options, a file or a configuration that can't be read. So 1 is left for the answer itself, "not valid" or
 * "not published".
 */
export async function orExit(
  terminal: Terminal,
  codeOf: (error: unknown) => number,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof OutputError) throw error;
    terminal.complain(`kazoo-relay: ${reasonOf(error)}`);
    terminal.exitCode = codeOf(error);
  }
}
