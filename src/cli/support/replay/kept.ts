import { notYet } from '../letters/idle.ts';

/** Why a replay leaves one as it is that the route delivers by itself. */
export const waitsAlready = 'it waits for its next try already';

export function comesAnyway(route: string): string {
  return `${notYet(route)}, and will deliver it anyway`;
}
