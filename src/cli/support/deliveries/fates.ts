import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { OperatorStore } from '../../../journal/operator-store.ts';
import { createFateTeller, type Fate, type FateTeller } from '../../../relay/fates.ts';
import { statusIfRunning } from '../daemon-client.ts';
import type { Terminal } from '../terminal.ts';

/** Tells what has become of notifications, beside a daemon or without one. */
export async function openFateTeller(
  store: OperatorStore,
  { routes, journal }: PartialConfig,
  { time }: Terminal,
): Promise<FateTeller> {
  return createFateTeller(store, routes, await statusIfRunning(journal.path), time);
}

/** One line a route, in as many as the terminal needs. */
export async function printFates(terminal: Terminal, fates: readonly Fate[], indent: number): Promise<void> {
  const names = fates.map(({ route }) => printable(route || 'all routes'));
  const width = Math.max(...names.map((name) => name.length)) + indent;
  for (const [index, { text }] of fates.entries())
    await terminal.say(`${' '.repeat(indent)}${names[index]}`.padEnd(width + 2) + printable(text), width + 2);
}

/** A fate as JSON for programs. */
export function fateJson({ route, state, text, at, tries, code }: Fate): object {
  return { route, state, reason: text, at: at === null ? null : new Date(at).toISOString(), tries, code };
}
