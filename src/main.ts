#!/usr/bin/env node
import { createProgram } from './cli/program.ts';

try {
  needNode(24);
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  console.error(`kazoo-relay: ${storyOf(error)}`);
  // At once: a daemon that could not be started may have begun what would keep it alive.
  process.exit(exitCodeOf(error));
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
