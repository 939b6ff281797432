#!/usr/bin/env node
import { holdSignals } from './held-signals.ts';

try {
  needNode(24);
  const args = process.argv.slice(2);
  if (mayBeDaemon(args)) holdSignals();
  const { createProgram } = await import('./cli/program.ts');
  const program = await createProgram(args);
  await program.parseAsync();
} catch (error) {
  console.error(`kazoo-relay: ${storyOf(error)}`);
  // At once: a daemon that could not be started may have begun what would keep it alive.
  process.exit(exitCodeOf(error));
}

/** Where a command is named that is not the daemon, signals end it, as they end every program. */
function mayBeDaemon([first = 'run']: readonly string[]): boolean {
  return first === 'run' || first.startsWith('-');
}

/** As in the other commands, 2 where it is the configuration: it can't be started with that at all. */
function exitCodeOf(error: unknown): number {
  // By its name, because who needs no configuration doesn't load what reads one.
  return error instanceof Error && error.name === 'ConfigError' ? 2 : 1;
}

/** Before anything is loaded that an older one doesn't have. @throws Error that names both versions */
function needNode(least: number): void {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) < least) throw new Error(`it needs Node ${least} or later; this is Node ${node}`);
}

/** An error with a name of its own is for the operator, and says all in its message; any other is a bug. */
function storyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isBug = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isBug ? String(error.stack) : error.message;
}
