import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { atTerminal, runProgram } from '../../src/cli/program.ts';
import { pageLink } from '../../src/cli/support/daemon-client.ts';
import type { Terminal } from '../../src/cli/support/terminal.ts';
import { unlessAborted } from '../../src/common/async/abort.ts';
import { awaitArrivals, faultsIn } from './arrivals.ts';
import type { Daemon } from './daemon.ts';
import { makeSpecimens } from './samples.ts';
import { type Files, filesIn, type Stage, startStage } from './stage.ts';
import { tableHead, tableOf } from './table.ts';

interface Options {
  readonly once?: true;
}

async function quickstartProgram(terminal: Terminal): Promise<Command> {
  const program = new Command('npm run quickstart --')
    .description('see it work: a private RabbitMQ, the daemon, one notification of every event, and where they went')
    .option('--once', 'end by itself and leave nothing behind; exit code 0 if all went where it should, else 1')
    .addHelpText('after', help)
    .action((options: Options) => quickstart(terminal, options));
  atTerminal(program, terminal);
  return program;
}

const help = `
It needs RabbitMQ (the package rabbitmq-server) and touches none that runs: it starts its own on a free port of 127.0.0.1,
and keeps everything in a temporary folder.
Exit code: 0 all went where it should, 1 not, or it can't run, 2 wrong options, 130 it was stopped before that.

Example:
  npm run quickstart -- --once`;

async function quickstart(terminal: Terminal, { once }: Options): Promise<void> {
  const signal = interruption(terminal);
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-quickstart-'));
  const files = filesIn(folder);
  let keep = true;
  try {
    await using running = new AsyncDisposableStack();
    const stage = await startStage(files, running, signal, (step) => announce(terminal, step));
    const faults = await demonstrate(terminal, stage, files, signal);
    keep = !once || faults.length > 0;
    if (!once) await stay(terminal, files, folder, stage.daemon, signal);
  } catch (error) {
    keep = !once && !signal.aborted;
    if (keep) terminal.complain(`kazoo-relay: what was written until then stays in ${folder}`);
    if (!signal.aborted) throw error;
    terminal.exitCode = 130;
  } finally {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
  if (keep) await terminal.print(`What it wrote stays in ${folder}`);
}

/** Aborts at the first Ctrl-C, or when the quickstart is told to end otherwise. A second one ends it at once. */
function interruption(terminal: Terminal): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort());
  controller.signal.addEventListener('abort', () => void announce(terminal, '\nstopping'));
  return controller.signal;
}

function announce(terminal: Terminal, step: string): Promise<void> {
  return terminal.print(terminal.paint('dim', `${step} …`));
}

/** Publishes, waits until all have arrived, and shows what went where. Returns what isn't as it should be. */
async function demonstrate(
  terminal: Terminal,
  stage: Stage,
  files: Files,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { regular, odd } = makeSpecimens(Date.now());
  const all = [...regular, ...odd];
  await announce(
    terminal,
    `publishing a notification of each of the ${regular.length} events, and ${odd.length} odd ones`,
  );
  for (const { message } of all) await stage.publisher.send(message);
  await stage.publisher.confirmed();
  const arrivals = await Promise.race([awaitArrivals(files, all, signal), stage.daemon.ended]);

  await terminal.print(`\n${terminal.paint('bold', tableHead)}`);
  for (const line of [...tableOf(terminal, regular, arrivals), '', ...tableOf(terminal, odd, arrivals)])
    await terminal.print(line);
  const faults = faultsIn(arrivals, all);
  const verdict = `All ${all.length} are in the journal, and each is where it should be.`;
  await terminal.print(
    `\n${faults.length === 0 ? terminal.paint('green', verdict) : terminal.paint('red', 'Not all is as it should be:')}`,
  );
  for (const fault of faults) await terminal.print(`  ${fault}`);
  if (faults.length > 0) terminal.exitCode = 1;
  return faults;
}

/** Says what there is to see, and leaves everything running until Ctrl-C. */
async function stay(
  terminal: Terminal,
  files: Files,
  folder: string,
  daemon: Daemon,
  signal: AbortSignal,
): Promise<void> {
  const config = `--config ${files.config}`;
  const page = await pageLink(files.journal);
  await terminal.print(`
In ${folder}:
  config.yaml           what the daemon runs with       daemon.log           what it says
  notifications.ndjson  what the file sink has written  console.log          what the log sink has written

Try, in another terminal:
  npm run -s relay -- tail --follow ${config}
  npm run -s relay -- publish missed_call ${config}
  npm run -s relay -- validate ${files.file}

The page in the browser shows it too. This link logs you in once, within five minutes; "page ${config}" prints another:
  ${page}

Ctrl-C stops the daemon and its RabbitMQ.`);
  await unlessAborted(daemon.ended, signal).catch((error) => {
    if (!signal.aborted) throw error;
  });
}

process.exit(await runProgram(quickstartProgram, process.argv.slice(2), process));
