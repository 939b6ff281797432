import type { OperatorStore } from '../journal/operator-store.ts';
import type { Entry } from '../notification/entry.ts';
import { createMatcher, type Selection } from '../routes/match.ts';

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

/** Pages of entries that the route would deliver, of those that it has passed; those that it delivers anyway are counted. */
export async function* entriesInRange(
  { since, until = Number.POSITIVE_INFINITY, events, accounts }: TimeRange,
  store: OperatorStore,
  route: Selection & { readonly name: string },
  cursor: number,
  kept: Kept,
): AsyncGenerator<Entry[]> {
  const ofRoute = createMatcher(route);
  const isChosen = createMatcher({ ...route, events: events ?? [], accounts: accounts ?? [] });
  // What comes in meanwhile isn't meant, and might never end.
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

/** Why a replay leaves one as it is that the route delivers by itself. */
export const waitsAlready = 'it waits for its next attempt already';

export function comesAnyway(route: string): string {
  return `${route} has not reached it yet, and will deliver it anyway`;
}
