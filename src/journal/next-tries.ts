import type { DeliveryRecord, NextTry } from './operator-store.ts';

/** So many deliveries of a route are looked at, those that are due first. */
export const mostDue = 100;

/** One that is among the first that are due on its route. */
export interface Due extends Pick<DeliveryRecord, 'route' | 'reason'> {
  /** As the tables have it: an event that is none is ''. */
  readonly event: string;
  /** Unix milliseconds. */
  readonly dueAt: number;
}

/** The routes of groups that wait: of these, what is due first tells when their next tries are. */
export function waitingRoutes(groups: readonly Pick<DeliveryRecord, 'route' | 'state'>[]): string[] {
  return [...new Set(groups.flatMap(({ route, state }) => (state === 'waiting' ? [route] : [])))];
}

/**
 * When the next try of a group is. One that isn't among what is due first on its route has it later, or has none: what
 * waits behind an earlier one of its account has no time of its own.
 * @param first what is due first on each route, in the order of its times
 */
export function nextTryOf(
  { route, state, reason, event }: Pick<DeliveryRecord, 'route' | 'state' | 'reason'> & { readonly event: string },
  first: readonly Due[],
): NextTry | null {
  if (state !== 'waiting') return null;
  const ofRoute = first.filter((due) => due.route === route);
  const own = ofRoute.find((due) => due.reason === reason && due.event === event);
  if (own !== undefined) return { at: own.dueAt, isLater: false };
  const last = ofRoute.at(-1);
  return last === undefined || ofRoute.length < mostDue ? null : { at: last.dueAt, isLater: true };
}
