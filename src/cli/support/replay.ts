import type { PartialRouteConfig } from '../../config/load.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import type { Entry } from '../../notification/entry.ts';
import { createExplainer, createMatcher } from '../../routes/match.ts';
import { findEntry } from './lookup.ts';

/** A span of history, and what of it is meant. Times are Unix milliseconds of arrival. */
export interface TimeRange {
  readonly since: number;
  readonly until?: number;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
}

/** Entries that are in memory at a time. */
const pageSize = 500;

/** How many of a span are left as they are, by the reason; it grows while the span is gone through. */
export type Kept = Map<string, number>;

/** Yields pages of entries that the route has passed and would deliver; counts those that it will deliver anyway. */
export async function* entriesInRange(
  { since, until = Number.POSITIVE_INFINITY, events, accounts }: TimeRange,
  store: OperatorStore,
  route: PartialRouteConfig,
  cursor: number,
  kept: Kept,
): AsyncGenerator<Entry[]> {
  const ofRoute = createMatcher(route);
  const isChosen = createMatcher({ ...route, events: events ?? [], accounts: accounts ?? [] });
  // Entries that arrive meanwhile are not included, and might never end.
  const newest = (await store.find({ limit: 1 })).at(-1)?.seq ?? 0;
  for (let after = 0; ; ) {
    const page = await store.find({ since, after, limit: pageSize });
    const last = page.at(-1);
    const wanted = page.filter(
      (entry) =>
        entry.seq <= newest &&
        entry.header.receivedAt <= until &&
        ofRoute(entry) === 'deliver' &&
        isChosen(entry) === 'deliver',
    );
    const seqs = wanted.map(({ seq }) => seq);
    const waiting = await store.waitingAmong(route.name, seqs);
    const passed = await store.passedAmong(route.name, cursor, seqs);
    count(kept, waitsAlready, waiting.size);
    count(kept, comesAnyway(route.name), wanted.length - passed.size);
    yield wanted.filter(({ seq }) => passed.has(seq) && !waiting.has(seq));
    if (last === undefined || page.length < pageSize || last.seq >= newest) return;
    after = last.seq;
  }
}

function count(kept: Kept, reason: string, more: number): void {
  if (more > 0) kept.set(reason, (kept.get(reason) ?? 0) + more);
}

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

/** Why a replay leaves one as it is that the route delivers by itself. */
const waitsAlready = 'it waits for its next attempt already';

function comesAnyway(route: string): string {
  return `${route} has not reached it yet, and will deliver it anyway`;
}
