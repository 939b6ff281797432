import type { DeliveredRun } from './route-session.ts';

/** What a row of the delivery log says of entries that a route has delivered one after the other, in the first try. */
export interface LoggedRun {
  readonly code: DeliveredRun['code'];
  readonly first: number;
  readonly last: number;
  /** What lies between and isn't among them, as places behind the first: from and to, from and to, … */
  readonly gaps: readonly number[];
}

/**
 * Nearly all of a route are delivered in their order and in the first try: of these a row tells a whole settlement. A
 * route's rows don't overlap, because its cursor passes each entry once.
 */
export function loggedRuns(runs: readonly DeliveredRun[]): LoggedRun[] {
  return joined(runs).map(({ code, places }) => ({
    code,
    first: places[0] ?? 0,
    last: places.at(-1) ?? 0,
    gaps: gapsIn(places),
  }));
}

/** Whether a run that doesn't end before an entry is about it. */
export function covers({ first, gaps }: Pick<LoggedRun, 'first' | 'gaps'>, seq: number): boolean {
  const place = seq - first;
  if (place < 0) return false;
  return !gaps.some((from, index) => index % 2 === 0 && from <= place && place <= (gaps[index + 1] ?? -1));
}

/** Those that follow each other and were answered the same as one. */
function joined(runs: readonly DeliveredRun[]): Pick<DeliveredRun, 'code' | 'places'>[] {
  const result: { code: DeliveredRun['code']; places: number[] }[] = [];
  for (const { code, places } of runs) {
    const last = result.at(-1);
    if (last?.code === code) for (const place of places) last.places.push(place);
    else result.push({ code, places: [...places] });
  }
  return result;
}

function gapsIn(places: readonly number[]): number[] {
  const [first = 0] = places;
  const gaps: number[] = [];
  for (let index = 1; index < places.length - 1; index += 2) {
    const [before = 0, after = 0] = [places[index], places[index + 1]];
    if (before + 1 < after) gaps.push(before + 1 - first, after - 1 - first);
  }
  return gaps;
}
