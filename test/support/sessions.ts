import type { Journal } from '../../src/journal/journal.ts';
import type { RouteSession, Settlement, Start } from '../../src/journal/route-session.ts';

type Invalid = 'quarantine' | 'deliver';

export async function sessionOf(
  journal: Journal,
  route: string,
  start: Start = 'earliest',
  invalid?: Invalid,
): Promise<RouteSession> {
  const place = await journal.openRoute(route, start, invalid);
  return place.session();
}

/** Where a route stands, that nobody has now. */
export async function cursorOf(journal: Journal, ...route: [string, Start, Invalid?]): Promise<number> {
  const session = await sessionOf(journal, ...route);
  await session.close();
  return session.cursor;
}

/** What a route says of its progress that runs for a moment; it is saved. */
export async function settle(
  journal: Journal,
  route: string,
  { cursor, recorded = [], settled = [], delivered = [] }: Partial<Settlement> & Pick<Settlement, 'cursor'>,
  invalid?: Invalid,
): Promise<void> {
  const session = await sessionOf(journal, route, 'earliest', invalid);
  await Promise.all([session.settle({ cursor, recorded, settled, delivered }), session.close()]);
}
