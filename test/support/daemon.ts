import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openTestLog } from './log.ts';
import { askHost } from './shared/ask.ts';
import { until } from './until.ts';

/** The daemon as an operator runs it: a process of its own. */
export interface Daemon {
  readonly process: ChildProcess;
  /** Everything that it has written to stdout and stderr. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves once its log says so. */
  says(text: string): Promise<void>;
  /** Sends a signal and waits for the end; returns the exit code, or null where the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** The program as it is built, which starts in a third of the time. */
export const program = process.env.RELAY_TEST_HOST === undefined ? 'src/main.ts' : await askHost<string>('program');

/** Permissions don't hold root back, but for what makes it root. */
export const withoutPrivileges = process.getuid?.() === 0 ? ['setpriv', '--inh-caps=-all', '--bounding-set=-all'] : [];

/**
 * @param args more of the command line
 * @param variables of its environment, beside those of this process
 * @param privileged false for a daemon that permissions hold for, also where root runs the tests
 */
export function startDaemon(
  config: string,
  args: readonly string[] = [],
  { privileged = true, variables = {} }: { privileged?: boolean; variables?: Record<string, string> } = {},
): Daemon {
  const daemon = [process.execPath, program, 'run', '--config', config, ...args];
  const [first = '', ...rest] = privileged ? daemon : [...withoutPrivileges, ...daemon];
  const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...variables } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  const log = openTestLog('daemon');
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
    log(chunk);
  });
  return {
    process: child,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    async says(text) {
      const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
      await until(() => output.stderr.includes(text) || hasEnded(), { what: `the daemon to say "${text}"` });
      if (!output.stderr.includes(text)) throw new Error(`the daemon has ended without "${text}": ${output.stderr}`);
    },
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'close');
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}
