import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { withoutPrivileges } from './daemon.ts';

/** What a command has written, and the exit code that it ended with. */
export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/**
 * Runs the program as an operator does, and waits for its end.
 * @param env beside the environment that there is
 * @param privileged false for one that permissions hold for, also where root runs the tests
 */
export async function cli(
  args: readonly string[],
  input: string | Buffer = '',
  env: Readonly<Record<string, string>> = {},
  { privileged = true, cwd = '.' }: { privileged?: boolean; cwd?: string } = {},
): Promise<Result> {
  const command = [process.execPath, resolve('src/main.ts'), ...args];
  const [program = '', ...rest] = privileged ? command : [...withoutPrivileges, ...command];
  const child = spawn(program, rest, { stdio: 'pipe', cwd, env: { ...process.env, ...env } });
  // A command that reads no input may be gone before all of it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  return { stdout, stderr, code: child.exitCode };
}
