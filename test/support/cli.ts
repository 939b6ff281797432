import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCli } from '../../src/cli/program.ts';
import { program, withoutPrivileges } from './daemon.ts';

/** What a command has written, and the exit code that it ended with. */
export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

type Variables = Readonly<Record<string, string>>;

/** What a command has around it beside its arguments and its input. */
interface Around {
  /** Those of a terminal; without them, stdout and stderr are none. */
  readonly columns?: number;
  /** In the place of Ctrl-C. */
  readonly interrupted?: AbortSignal;
}

/**
 * Runs a command of the program in this process, with streams of its own, and waits for its end.
 * @param env beside the environment that there is
 */
export async function cli(
  args: readonly string[],
  input: string | Buffer = '',
  env: Variables = {},
  { columns, interrupted }: Around = {},
): Promise<Result> {
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)], { objectMode: false });
  const stdout = Object.assign(new PassThrough(), columns === undefined ? {} : { columns });
  const stderr = Object.assign(new PassThrough(), columns === undefined ? {} : { columns });
  const context = { stdin, stdout, stderr, env: { ...process.env, ...env }, ...(interrupted && { interrupted }) };
  const running = runCli(args, context).finally(() => {
    stdout.end();
    stderr.end();
  });
  const [code, ...written] = await Promise.all([running, text(stdout), text(stderr)]);
  return { code, stdout: written[0], stderr: written[1] };
}

/** The same on a terminal, where somebody answers each question: what is left of the answers is not asked for. */
export async function dialogue(
  args: readonly string[],
  answers: readonly (string | null)[],
): Promise<Result & { readonly left: readonly (string | null)[] }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const left = [...answers];
  stderr.on('data', (chunk) => {
    if (!/(: |\? \[y\/N\] )$/.test(String(chunk))) return;
    const answer = left.shift() ?? null;
    if (answer === null) stdin.end();
    else stdin.write(`${answer}\n`);
  });
  const complained = text(stderr);
  const running = runCli(args, { stdin, stdout, stderr, env: process.env }).finally(() => {
    stdout.end();
    stderr.end();
  });
  const [code, ...written] = await Promise.all([running, text(stdout), complained]);
  return { code, stdout: written[0], stderr: written[1], left };
}

/**
 * Runs the program as an operator does, in a process of its own: for what only a process has, such as its rights, its
 * working directory, and the way that it ends.
 * @param env beside the environment that there is
 * @param privileged false for one that permissions hold for, also where root runs the tests
 */
export async function cliProcess(
  args: readonly string[],
  {
    input = '',
    env = {},
    privileged = true,
    cwd = '.',
  }: { input?: string | Buffer; env?: Variables; privileged?: boolean; cwd?: string } = {},
): Promise<Result> {
  const command = [process.execPath, resolve(program), ...args];
  const [first = '', ...rest] = privileged ? command : [...withoutPrivileges, ...command];
  const child = spawn(first, rest, { stdio: 'pipe', cwd, env: { ...process.env, ...env } });
  // A command that reads no input may be gone before all of it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  return { stdout, stderr, code: child.exitCode };
}
