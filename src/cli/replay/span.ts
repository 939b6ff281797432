import type { RouteOutline } from '../../config/outline.ts';
import type { Desk, Entry } from '../../journal/journal.ts';
import { createMatcher } from '../../routes/match.ts';

/** A span of history, and what of it is meant. Times are Unix milliseconds of arrival. */
export interface Span {
  readonly since: number;
  readonly until?: number;
  readonly events?: readonly string[];
  readonly accounts?: readonly string[];
}

/** Entries that are in memory at a time. */
const pageSize = 500;

/** Pages of entries that the route would deliver, of those that it has passed. */
export async function* entriesIn(
  { since, until = Number.POSITIVE_INFINITY, events, accounts }: Span,
  desk: Desk,
  route: RouteOutline,
  cursor: number,
): AsyncGenerator<Entry[]> {
  const ofRoute = createMatcher(route);
  const isChosen = createMatcher({ ...route, events: events ?? [], accounts: accounts ?? [] });
  for (let after = 0; ; ) {
    const page = await desk.find({ since, after, limit: pageSize });
    const last = page.at(-1);
    yield page.filter(
      (entry) =>
        entry.seq <= cursor &&
        entry.receivedAt <= until &&
        ofRoute(entry) === 'deliver' &&
        isChosen(entry) === 'deliver',
    );
    if (last === undefined || page.length < pageSize || last.seq >= cursor) return;
    after = last.seq;
  }
}
