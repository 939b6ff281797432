import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
import type { Attempt } from '../../../journal/route-session.ts';
import { findEntry } from '../lookup.ts';
import type { Terminal } from '../terminal.ts';
import { fullTime, type TimeZoneOption } from '../times.ts';
import { type DeliveryKind, listCommandOf } from './selection.ts';

/** A delivery record as JSON for programs. */
export function deliveryJson({
  number,
  seq,
  accountId,
  receivedAt,
  updatedAt,
  dueAt,
  ...record
}: DeliveryRecord): object {
  return {
    ...record,
    account_id: accountId,
    received_at: isoTime(receivedAt),
    updated_at: isoTime(updatedAt),
    due_at: isoTimeOrNull(dueAt),
  };
}

/** Tries, without the operator's wishes to begin anew that are listed among them. */
export function attemptCount(attempts: readonly Attempt[]): number {
  return attempts.filter(({ outcome }) => outcome !== 'restart').length;
}

/** For programs, which are told in UTC. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** When the next try is; null where there is none, or it waits behind another one. */
export function isoTimeOrNull(dueAt: number | null): string | null {
  return dueAt === null ? null : isoTime(dueAt);
}

/** `1 try`, `2 tries`. */
export function tries(count: number): string {
  return `${count} ${count === 1 ? 'try' : 'tries'}`;
}

/** Why nothing of a route is tried that has left the configuration, and what can be done. */
export function routeIsGone(route: string): string {
  return `the configuration has no route ${route}; another one can deliver it: kazoo-relay replay --route NAME ID`;
}

/**
 * Of the notifications that were chosen by id, those of which nothing of this kind is chosen too: a line each that says
 * why there is nothing to do.
 */
export async function notSelectedAmong(
  which: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
  zone: TimeZoneOption,
): Promise<string[]> {
  const lines: string[] = [];
  for (const id of which.ids ?? []) {
    const found = await store.records({ ...which, ids: [id] }, 0, 1);
    if (found.length === 0) lines.push(`${id}: ${await whyNotSelected(id, which, kind, store, config, zone)}`);
  }
  return lines;
}

async function whyNotSelected(
  id: string,
  { route }: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  { routes }: PartialConfig,
  zone: TimeZoneOption,
): Promise<string> {
  const { seq, state } = await findEntry(id, store, listCommandOf(kind));
  // Its one line is of no route.
  if (state === 'undecodable') return 'it could not be decoded, so no route has it';
  const names = route === undefined ? routes.map(({ name }) => name) : [route];
  const lines = (await store.recordsOf(seq)).filter((line) => route === undefined || line.route === route);
  if (lines.some((line) => kind.states.includes(line.state))) return 'it is not of that event or time';
  const reasons = [
    ...lines.map((line) => describeDelivery(line, zone)),
    ...(await routesBehind(seq, names, store)).map(notReachedYet),
  ];
  const [where, who] = route === undefined ? ['', 'every route'] : [` on ${route}`, 'that'];
  return `${kind.denied}${where}: ${reasons.join('; ') || `${who} has settled it`}`;
}

/** Those of these routes that haven't come to an entry yet. One without a cursor is no route yet. */
export async function routesBehind(seq: number, routes: readonly string[], store: OperatorStore): Promise<string[]> {
  const behind: string[] = [];
  for (const name of routes) {
    const cursor = await store.cursorOf(name);
    if (cursor !== null && !(await store.passedAmong(name, cursor, [seq])).has(seq)) behind.push(name);
  }
  return behind;
}

/** What is said of such a route. */
export function notReachedYet(route: string): string {
  return `${route} has not come to it yet`;
}

function describeDelivery({ route, state, dueAt }: DeliveryRecord, zone: TimeZoneOption): string {
  if (state !== 'waiting') return `it is ${state} on ${route}`;
  // One that waits behind another of its account has no time of its own.
  return `it waits for its next try on ${route}${dueAt === null ? '' : `, due ${fullTime(dueAt, zone)}`}`;
}

/** What is said of a route for which something was just made due, while it is paused. Returns whether one is. */
export async function tellPauses(
  terminal: Terminal,
  store: OperatorStore,
  routes: ReadonlySet<string>,
): Promise<boolean> {
  const paused = (await store.summary()).routes.filter(({ name, paused }) => paused !== null && routes.has(name));
  for (const { name } of paused)
    await terminal.print(printable(`${name} is paused: they go out after "kazoo-relay resume ${name}"`));
  return paused.length > 0;
}
