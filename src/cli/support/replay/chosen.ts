import type { RouteOutline } from '../../../config/outline.ts';
import type { Entry } from '../../../journal/entry.ts';
import type { OperatorStore } from '../../../journal/operator-store.ts';
import { createMatcher } from '../../../routes/match.ts';
import { soughtEntry } from '../sought.ts';
import { comesAnyway, waitsAlready } from './kept.ts';

/** Notifications that were named one by one. */
export interface Chosen {
  /** Those that the route can deliver again. */
  readonly entries: readonly Entry[];
  /** The others, and why not. */
  readonly kept: readonly { readonly id: string; readonly reason: string }[];
}

/** @throws Error where the journal hasn't one of them */
export async function entriesWith(
  ids: readonly string[],
  store: OperatorStore,
  route: RouteOutline,
  cursor: number,
): Promise<Chosen> {
  const all: Entry[] = [];
  for (const id of new Set(ids)) all.push(await soughtEntry(id, store, 'tail --json'));
  const seqs = all.map(({ seq }) => seq);
  const waiting = await store.waitingAmong(route.name, seqs);
  const passed = await store.passedAmong(route.name, cursor, seqs);
  const decide = createMatcher(route);
  const obstacleTo = (entry: Entry): string | null => {
    if (waiting.has(entry.seq)) return waitsAlready;
    const decision = decide(entry);
    if (decision === 'deliver') return passed.has(entry.seq) ? null : comesAnyway(route.name);
    return decision === 'skip'
      ? `${route.name} does not want it`
      : `${route.name} takes no such one: ${decision.quarantine}`;
  };
  const entries: Entry[] = [];
  const kept: { id: string; reason: string }[] = [];
  for (const entry of all) {
    const reason = obstacleTo(entry);
    if (reason === null) entries.push(entry);
    else kept.push({ id: entry.id, reason });
  }
  return { entries, kept };
}
