import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { within } from '../../src/common/async/deadlines.ts';

export interface Daemon {
  /** Rejects when the daemon ends without having been told to. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

/** Milliseconds; more than the daemon's own `shutdown.timeout`. */
const stopWithin = 15_000;

/**
 * Starts the daemon as an operator does, in a process of its own.
 * @param stdout file that gets its standard output
 * @param stderr file that gets its log
 */
export function startDaemon(config: string, stdout: string, stderr: string): Daemon {
  const files = [openSync(stdout, 'a'), openSync(stderr, 'a')] as const;
  const child = spawn(process.execPath, ['--import', endWithParent, main, 'run', '--config', config], {
    stdio: ['pipe', ...files],
    // Ctrl-C is for the quickstart alone, which stops the daemon in its turn.
    detached: true,
  });
  for (const file of files) closeSync(file);

  const exited = once(child, 'exit');
  const ended = exited.then(([code, signal]) => {
    throw new Error(`the daemon has ended (${signal ?? `exit code ${code}`}); its log, ${stderr}, says why`);
  });
  ended.catch(() => undefined);
  return {
    ended,
    async stop() {
      child.kill('SIGTERM');
      const late = within(stopWithin, 'the daemon', exited).catch(() => child.kill('SIGKILL'));
      await late.then(() => exited);
    },
  };
}

const main = join(import.meta.dirname, '../../src/main.ts');

/** A quickstart that is killed can't stop its daemon; but the pipe to the daemon's stdin ends with it in any case. */
const endWithParent = `data:text/javascript,${encodeURIComponent(
  "process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM')).resume().unref()",
)}`;
