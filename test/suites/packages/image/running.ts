import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { until } from '../../../support/until.ts';
import type { Container, Runner } from './engine.ts';

export interface Running {
  /** Of its first process, as this machine has it. */
  readonly pid: number;
  /** What it has written to stderr. */
  log(): string;
  /** What it has delivered to stdout. */
  lines(): string[];
  /** Runs a command in it. @throws Error with its stderr where it fails */
  run(command: readonly string[]): Promise<{ stdout: string; stderr: string }>;
  /** @returns its exit code; null where there is none */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs one to its end. */
export function oneOff(runner: Runner, container: Container) {
  const [program, ...args] = runner.line(container);
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, stderr };
}

/** Runs a daemon, until it consumes. @param out where what it writes goes, without the ending */
export async function startContainer(runner: Runner, container: Container, out: string): Promise<Running> {
  const [stdout, stderr] = ['stdout', 'stderr'].map((name) => openSync(`${out}.${name}`, 'w'));
  const [program, ...args] = runner.line(container);
  const outside = spawn(program, args, { stdio: ['ignore', stdout ?? 'ignore', stderr ?? 'ignore'] });
  const log = () => readFileSync(`${out}.stderr`, 'utf8');
  await until(() => log().includes('"consuming"') || outside.exitCode !== null, {
    what: 'the daemon to consume',
    timeout: 120_000,
  });
  if (outside.exitCode !== null) throw new Error(`the container has ended: ${log()}`);
  const pid = runner.pidOf(container.name);
  return {
    pid,
    log,
    lines: () =>
      readFileSync(`${out}.stdout`, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    run(command) {
      const [inside, ...rest] = runner.inside(container.name, command);
      return promisify(execFile)(inside, rest);
    },
    async end(signal) {
      if (hasEnded(outside)) return outside.exitCode;
      const ended = once(outside, 'exit');
      process.kill(pid, signal);
      await ended;
      return outside.exitCode;
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
