import type { Reveals } from '../kazoo/redact.ts';
import { createScope, type Scope } from './match.ts';

/** What of a notification's secrets is kept beside it: those that a route reveals which may select it, and no others. */
export function createReveals(routes: readonly (Scope & { readonly reveal: readonly string[] })[]): Reveals {
  const revealing = routes
    .filter(({ reveal }) => reveal.length > 0)
    .map((route) => ({ isInScope: createScope(route), reveal: route.reveal }));
  return (notification) => revealing.flatMap(({ isInScope, reveal }) => (isInScope(notification) ? reveal : []));
}
