import type { PartialRouteConfig } from '../../config/load.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import type { Entry } from '../../notification/entry.ts';
import { comesAnyway, waitsAlready } from '../../relay/replay.ts';
import { createExplainer, createMatcher } from '../../routes/match.ts';
import { findEntry } from './lookup.ts';

/** Notifications that were named one by one. */
export interface NamedEntries {
  /** Those that the route can deliver again. */
  readonly entries: readonly Entry[];
  /** The others, and why not. */
  readonly kept: readonly { readonly id: string; readonly reason: string }[];
}

/** @throws Error where the journal hasn't one of them */
export async function namedEntries(
  ids: readonly string[],
  store: OperatorStore,
  route: PartialRouteConfig,
  cursor: number,
): Promise<NamedEntries> {
  const all: Entry[] = [];
  for (const id of new Set(ids)) all.push(await findEntry(id, store, 'tail --json'));
  const seqs = all.map(({ seq }) => seq);
  const waiting = await store.waitingAmong(route.name, seqs);
  const passed = await store.passedAmong(route.name, cursor, seqs);
  const decide = createMatcher(route);
  const explain = createExplainer(route);
  const obstacleTo = (entry: Entry): string | null => {
    if (waiting.has(entry.seq)) return waitsAlready;
    const decision = decide(entry);
    if (decision === 'deliver') return passed.has(entry.seq) ? null : comesAnyway(route.name);
    return decision === 'skip'
      ? `${route.name} does not want it: ${explain(entry)}`
      : `${route.name} would quarantine it: ${decision.quarantine}`;
  };
  const entries: Entry[] = [];
  const kept: { id: string; reason: string }[] = [];
  for (const entry of all) {
    const reason = obstacleTo(entry);
    if (reason === null) entries.push(entry);
    else kept.push({ id: entry.header.id, reason });
  }
  return { entries, kept };
}
