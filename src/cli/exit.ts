import type { Command } from 'commander';
import { reasonOf } from '../errors.ts';

/**
 * Makes 2 the exit code of commands that can't do what they are asked for: wrong options, a file or a configuration that
 * can't be read. So 1 is left for the answer itself, "not valid" or "not published".
 * @param command with all that are below it
 */
export function exitCode2(command: Command): void {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  for (const inner of command.commands) exitCode2(inner);
}

/** Does the work; what it throws becomes one line on stderr and an exit code. */
export async function orExit(codeOf: (error: unknown) => number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(`kazoo-relay: ${reasonOf(error)}`);
    process.exitCode = codeOf(error);
  }
}
