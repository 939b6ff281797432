import { printable } from '../../../common/text/format.ts';
import { namedIn, ownFolder } from '../../../config/journal-place.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { OperatorStore } from '../../../journal/operator-store.ts';
import { type Status, statusOf } from '../../../ops/status.ts';
import { createFateTeller, type Fate, type FateTeller } from '../../../relay/fates.ts';
import { statusIfRunning } from '../daemon-client.ts';
import type { Terminal } from '../terminal.ts';

/** Tells what has become of notifications, beside a daemon or without one. */
export async function openFateTeller(
  store: OperatorStore,
  config: PartialConfig,
  { time }: Terminal,
): Promise<FateTeller> {
  // Only the daemon that has a route knows whether its sink is away.
  const status = (await statusIfRunning(ownFolder(config.journal))) ?? (await sharedStatus(config, store));
  return createFateTeller(store, config.routes, status, time);
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

/** What a shared journal knows of the daemons; null where none runs. */
async function sharedStatus(config: PartialConfig, store: OperatorStore): Promise<Status | null> {
  if (config.journal.url === undefined) return null;
  const summary = await store.summary();
  if (!summary.daemons.some(({ lives }) => lives)) return null;
  return statusOf(namedIn(config, null, summary), summary, null, null);
}
