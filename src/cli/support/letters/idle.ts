import type { Outline } from '../../../config/outline.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
import { soughtEntry } from '../sought.ts';
import type { Kind } from './kind.ts';
import { listing } from './letters.ts';
import { timeOf } from './texts.ts';

/**
 * Of the notifications that were chosen by id, those of which nothing of this kind is chosen too: a line each that says
 * why there is nothing to do.
 */
export async function idleAmong(
  which: DeliveryFilter,
  kind: Kind,
  store: OperatorStore,
  config: Outline,
): Promise<string[]> {
  const lines: string[] = [];
  for (const id of which.ids ?? []) {
    const found = await store.records({ ...which, ids: [id] }, 0, 1);
    if (found.length === 0) lines.push(`${id}: ${await whyIdle(id, which, kind, store, config)}`);
  }
  return lines;
}

async function whyIdle(
  id: string,
  { route }: DeliveryFilter,
  kind: Kind,
  store: OperatorStore,
  { routes }: Outline,
): Promise<string> {
  const { seq, state } = await soughtEntry(id, store, listing(kind));
  // Its one line is of no route.
  if (state === 'undecodable') return 'it could not be decoded, so no route has it';
  const names = route === undefined ? routes.map(({ name }) => name) : [route];
  const lines = (await store.recordsOf(seq)).filter((line) => route === undefined || line.route === route);
  if (lines.some((line) => kind.states.includes(line.state))) return 'it is not of that event or time';
  const reasons = [...lines.map(textOf), ...(await stillToCome(seq, names, store)).map(notYet)];
  const [where, who] = route === undefined ? ['', 'every route'] : [` on ${route}`, 'that'];
  return `${kind.denied}${where}: ${reasons.join('; ') || `${who} has settled it`}`;
}

/** Those of these routes that haven't come to an entry yet. One without a cursor is no route yet. */
export async function stillToCome(seq: number, routes: readonly string[], store: OperatorStore): Promise<string[]> {
  const behind: string[] = [];
  for (const name of routes) {
    const cursor = await store.cursorOf(name);
    if (cursor !== null && !(await store.passedAmong(name, cursor, [seq])).has(seq)) behind.push(name);
  }
  return behind;
}

/** What is said of such a route. */
export function notYet(route: string): string {
  return `${route} has not come to it yet`;
}

function textOf({ route, state, dueAt }: DeliveryRecord): string {
  if (state !== 'waiting') return `it is ${state} on ${route}`;
  // One that waits behind another of its account has no time of its own.
  return `it waits for its next try on ${route}${dueAt === null ? '' : `, due ${timeOf(dueAt)}`}`;
}
