#!/usr/bin/env node
import { holdSignals } from './common/async/early-signals.ts';

needNode(24);
const args = process.argv.slice(2);
if (mayBeDaemon(args)) holdSignals();
const { runCli } = await import('./cli/program.ts');
// At once: a server that doesn't answer, or the remains of a failed start, would keep the process alive.
process.exit(await runCli(args, process));

/** Where a command is named that is not the daemon, signals end it, as they end every program. */
function mayBeDaemon([first = 'run']: readonly string[]): boolean {
  return first === 'run' || first.startsWith('-');
}

/** Before anything is loaded that an older one doesn't have. */
function needNode(least: number): void {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= least) return;
  console.error(`kazoo-relay: it needs Node ${least} or later; this is Node ${node}`);
  process.exit(1);
}
