#!/usr/bin/env node
import { createProgram } from './cli/program.ts';

try {
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  console.error(`kazoo-relay: ${storyOf(error)}`);
  // At once: a daemon that could not be started may have begun what would keep it alive.
  process.exit(1);
}

/** An error with a name of its own is for the operator, and says all in its message; any other is a bug. */
function storyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isBug = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isBug ? String(error.stack) : error.message;
}
