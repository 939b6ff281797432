import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** What a command has written, and the exit code that it ended with. */
export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs the program as an operator does, and waits for its end. @param env beside the environment that there is */
export async function cli(
  args: readonly string[],
  input: string | Buffer = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const child = spawn(process.execPath, ['src/main.ts', ...args], { stdio: 'pipe', env: { ...process.env, ...env } });
  // A command that reads no input may be gone before all of it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  return { stdout, stderr, code: child.exitCode };
}
