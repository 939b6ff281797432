import { pluralize, printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
import type { RouteSummary } from '../../../journal/reader.ts';
import type { Attempt } from '../../../journal/route-session.ts';
import { findEntry } from '../lookup.ts';
import type { Terminal } from '../terminal.ts';
import { openFateTeller } from './fates.ts';
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
  return pluralize(count, 'try', 'tries');
}

/** Why nothing of a route is tried that has left the configuration, and what can be done. */
export function routeIsGone(route: string): string {
  return `the configuration has no route ${route}; another one can deliver it: kazoo-relay replay --route NAME ID`;
}

/**
 * Of the notifications that were chosen by id, those of which nothing of this kind is chosen too: a line each that says
 * why there is nothing to do, or one for each route below it.
 */
export async function notSelectedAmong(
  terminal: Terminal,
  which: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
): Promise<string[]> {
  const lines: string[] = [];
  for (const id of which.ids ?? []) {
    const found = await store.records({ ...which, ids: [id] }, 0, 1);
    if (found.length > 0) continue;
    const [why, ...byRoute] = await whyNotSelected(terminal, id, which, kind, store, config);
    lines.push(`${id}: ${why}`, ...byRoute.map((line) => `  ${line}`));
  }
  return lines;
}

async function whyNotSelected(
  terminal: Terminal,
  id: string,
  { route }: DeliveryFilter,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
): Promise<string[]> {
  const entry = await findEntry(id, store, listCommandOf(kind));
  const fates = await (await openFateTeller(store, config, terminal))(entry);
  const own = fates.filter((fate) => route === undefined || fate.route === route);
  if (own.some(({ state }) => kind.states.some((one) => one === state))) return ['it is not of that event or time'];
  if (own.length === 0) return ['it could not be decoded, so no route has it'];
  const reasons = own.map((fate) => `${fate.route === '' ? '' : `${fate.route}: `}${fate.text}`);
  const denied = `${kind.denied}${route === undefined ? '' : ` on ${route}`}`;
  return reasons.length === 1 ? [`${denied}: ${reasons[0]}`] : [denied, ...reasons];
}

/**
 * Says of paused routes that the deliveries just made due wait for `resume`. Returns whether there are any.
 * @param route the only one concerned; otherwise all with waiting deliveries
 */
export async function tellPauses(
  terminal: Terminal,
  store: OperatorStore,
  route: string | undefined,
): Promise<boolean> {
  const isMeant = ({ name, waiting }: RouteSummary) => (route === undefined ? waiting > 0 : name === route);
  const paused = (await store.summary()).routes.filter((one) => one.paused !== null && isMeant(one));
  for (const { name } of paused)
    await terminal.say(printable(`${name} is paused: they go out after "kazoo-relay resume ${name}"`));
  return paused.length > 0;
}
