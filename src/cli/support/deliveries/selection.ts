import type { Command } from 'commander';
import { suggestionFor } from '../../../common/text/did-you-mean.ts';
import type { TimeZoneOption } from '../../../common/text/times.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, DeliveryRecord, OperatorAct, OperatorStore } from '../../../journal/operator-store.ts';
import { withTimeZone } from '../args.ts';
import { findEntry, resolveEvent } from '../lookup.ts';
import type { Terminal } from '../terminal.ts';
import { type Moment, moment, momentHelp } from '../times.ts';

/** What the commands `dead` and `waiting` differ in: all else they have in common. */
export interface DeliveryKind {
  readonly name: 'dead' | 'waiting';
  readonly states: readonly DeliveryRecord['state'][];
  /** True if listing them counts as having seen the new ones. */
  readonly isLook: boolean;
  /** The text if there are none. */
  readonly none: string;
  /** What is said of a notification of which nothing is of this kind, before the reason. */
  readonly denied: string;
  /** What a line says behind the id, and a group behind its route; the other kind has something else there. */
  readonly detail: {
    readonly head: string;
    /** Where it may be left out of a narrow list, as in a column. */
    readonly spare?: number;
    of(line: Pick<DeliveryRecord, 'state' | 'dueAt'>, time: (at: number) => string): string;
  };
  readonly retry: {
    readonly description: string;
    /** The words behind the number of changed ones. */
    readonly done: string;
    /** Tries again what is selected, step by step. */
    steps(
      store: OperatorStore,
      config: PartialConfig,
      which: DeliveryFilter,
      act: OperatorAct,
    ): AsyncIterable<RetryStep>;
  };
}

/** The result for some of the deliveries to be retried. */
export interface RetryStep {
  readonly found: number;
  readonly retried: number;
  /** How many were left as they are, by the reason. */
  readonly kept?: ReadonlyMap<string, number>;
}

/**
 * Looks at each before it is tried again.
 * @param change returns how many it has changed
 */
export async function* retryEach(
  store: OperatorStore,
  which: DeliveryFilter,
  check: RetryCheck,
  change: (records: readonly DeliveryRecord[]) => Promise<number>,
): AsyncGenerator<RetryStep> {
  for await (const page of pagesOf(store, which)) {
    const kept = new Map<string, number>();
    const due: DeliveryRecord[] = [];
    for (const record of page) {
      const obstacle = await check(record);
      if (obstacle === null) due.push(record);
      else kept.set(obstacle, (kept.get(obstacle) ?? 0) + 1);
    }
    yield { found: page.length, retried: await change(due), kept };
  }
}

/** Says why one can't be tried again, or null where it can. */
export type RetryCheck = (record: DeliveryRecord) => string | null | Promise<string | null>;

/** What selects deliveries on the command line. */
export interface Selection {
  readonly config?: string;
  readonly route?: string;
  readonly event?: string;
  readonly since?: Moment;
}

export function withSelectionOptions(command: Command, terminal: Terminal): Command {
  return withTimeZone(command, terminal)
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('-r, --route <name>', 'only of this route')
    .option('-e, --event <name>', 'only this event')
    .option('--since <when>', `only what was received since then: ${momentHelp}`, moment);
}

/** True where a selection leaves some out. */
function isNarrow({ route, event, since }: Readonly<Partial<Record<'route' | 'event' | 'since', unknown>>>): boolean {
  return Boolean(route) || Boolean(event) || since !== undefined;
}

/** The message of every command of a kind if a selection, other than by ids, is empty. */
export function nothingSelected(which: DeliveryFilter, { none }: DeliveryKind): string {
  return isNarrow(which) ? `of these, ${none}` : none;
}

/** @throws Error that suggests another name, where nothing has the route or the event */
export async function filterOf(
  zone: TimeZoneOption,
  { route, event, since }: Selection,
  { states }: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
): Promise<DeliveryFilter> {
  if (route) await checkRoute(route, store, config);
  return {
    states,
    ...(route && { route }),
    ...(event && { event: await resolveEvent(event, config, store) }),
    ...(since !== undefined && { since: since(zone) }),
  };
}

/** A route that has left the configuration may have left deliveries behind. */
async function checkRoute(name: string, store: OperatorStore, { routes }: PartialConfig): Promise<void> {
  if (routes.some((route) => route.name === name)) return;
  const summary = await store.summary();
  const names = [...new Set([...routes, ...summary.routes].map((route) => route.name))];
  if (names.includes(name)) return;
  const hint = suggestionFor(name, names, `there are ${names.join(', ')}`);
  throw new Error(`neither the configuration nor the journal has a route ${JSON.stringify(name)}${hint}`);
}

/** The selection of a command that changes deliveries. */
export interface Choice extends Selection {
  readonly all?: true;
  readonly yes?: true;
}

export function withChoiceOptions(command: Command, { name }: DeliveryKind, terminal: Terminal): Command {
  return withSelectionOptions(command, terminal)
    .argument('[ids...]', `as \`${name} list\` shows them`)
    .option('--all', 'all of them');
}

/** @throws Error where something isn't there, or nothing was chosen: no command means all by saying nothing */
export async function filterOfChoice(
  zone: TimeZoneOption,
  ids: readonly string[],
  options: Choice,
  kind: DeliveryKind,
  store: OperatorStore,
  config: PartialConfig,
): Promise<DeliveryFilter> {
  const which = await filterOf(zone, options, kind, store, config);
  for (const id of ids) await findEntry(id, store, listCommandOf(kind));
  if (ids.length > 0) return { ...which, ids };
  if (options.all || isNarrow(options)) return which;
  throw new Error('say which ones: ids, --route, --event, --since or --all');
}

/** The command that shows ids. */
export function listCommandOf({ name }: DeliveryKind): string {
  return `${name} list`;
}

/** Lines that are in memory at a time. */
const pageSize = 500;

export async function* pagesOf(store: OperatorStore, which: DeliveryFilter): AsyncGenerator<DeliveryRecord[]> {
  for (let after = 0; ; ) {
    const page = await store.records(which, after, pageSize);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.number;
  }
}
