import { readdirSync } from 'node:fs';
import { suggestionFor } from '../../common/text/did-you-mean.ts';
import { globToRegExp } from '../../common/text/patterns.ts';
import { commonFields, events } from '../../kazoo/catalogue.ts';
import type { Config, RouteConfig } from '../config.ts';
import type { Issue } from '../diagnostics.ts';

/** What a route may select from; undefined where that isn't known. */
interface Known {
  readonly events: KnownEvents | undefined;
  readonly zones: readonly string[] | undefined;
}

/** What of a route's selection can match nothing, or reveal nothing. */
export function selectionWarnings(route: RouteConfig, known: Known): Issue[] {
  const { events: wanted, zones, accounts, reveal } = route;
  const lists: Record<string, readonly (string | undefined)[]> = {
    events: wanted.map((event) => known.events?.problemOf(event)),
    zones: zones.map((zone) => unknownZone(zone, known)),
    accounts: accounts.map(invalidAccount),
    reveal: reveal.map(unknownField),
  };
  const path = ['routes', route.name];
  const unmatched = Object.entries(lists).flatMap(([list, messages]) =>
    messages.flatMap((message, index) => (message === undefined ? [] : [{ path: [...path, list, index], message }])),
  );
  return [...unmatched, ...repeated(route), ...matchesNothing(route, lists)];
}

/** Events that a route may name. Each name is looked at once: thousands of routes may have the same. */
export class KnownEvents {
  readonly #names: readonly string[];
  readonly #problems = new Map<string, string | undefined>();

  constructor(config: Config) {
    this.#names = knownEvents(config);
  }

  /** Why there is nothing of that name or pattern; undefined where there is. */
  problemOf(event: string): string | undefined {
    if (!this.#problems.has(event)) this.#problems.set(event, unknownEvent(event, this.#names));
    return this.#problems.get(event);
  }
}

/** Those of the catalogue, and those that the operator has schemas for. */
function knownEvents({ validation }: Config): string[] {
  const ofOperator = validation.schemas.flatMap((folder) => {
    try {
      return readdirSync(folder).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []));
    } catch {
      return []; // reading the schemas reports a folder that can't be read
    }
  });
  return [...events.flatMap(({ name, aliases }) => [name, ...aliases]), ...ofOperator];
}

export function knownZones({ brokers }: Config): string[] {
  return [...new Set(brokers.map(({ zone }) => zone))];
}

function unknownEvent(event: string, known: readonly string[]): string | undefined {
  if (event.includes('*')) {
    const glob = globToRegExp(event);
    return known.some((name) => glob.test(name))
      ? undefined
      : `${quoted(event)} matches no event that the catalogue has`;
  }
  return known.includes(event)
    ? undefined
    : `${quoted(event)} is not in the catalogue of events${suggestionFor(event, known)}`;
}

function unknownZone(zone: string, { zones }: Known): string | undefined {
  if (zones === undefined || zones.includes(zone)) return undefined;
  return `${quoted(zone)} is the zone of no broker${suggestionFor(zone, zones, `there are ${zones.join(', ')}`)}`;
}

function invalidAccount(account: string): string | undefined {
  return /^[0-9a-f]{32}$/.test(account)
    ? undefined
    : `${quoted(account)} can't be an account id: KAZOO's have 32 digits and letters from a to f`;
}

const fields = [...events.flatMap((event) => event.fields), ...commonFields].map(({ name }) => name);

function unknownField(path: string): string | undefined {
  const [field = ''] = path.split('.');
  return fields.includes(field) ? undefined : `${quoted(path)} is a field of no event${suggestionFor(field, fields)}`;
}

function repeated(route: RouteConfig): Issue[] {
  return (['events', 'zones', 'accounts', 'reveal'] as const).flatMap((list) =>
    route[list].flatMap((name, index) =>
      route[list].indexOf(name) < index
        ? [{ path: ['routes', route.name, list, index], message: `${quoted(name)} is in the list twice` }]
        : [],
    ),
  );
}

function matchesNothing(
  { name, unknown }: RouteConfig,
  { events: unknownEvents = [], zones = [], accounts = [] }: Readonly<Record<string, readonly (string | undefined)[]>>,
): Issue[] {
  const all = (list: readonly (string | undefined)[]) => list.length > 0 && !list.includes(undefined);
  const reasons = [
    ...(all(unknownEvents) && unknown === 'quarantine'
      ? ['it wants only events that the catalogue doesn’t have, and quarantines those']
      : []),
    ...(all(zones) ? ['no broker is in one of its zones'] : []),
    ...(all(accounts) ? ['none of its accounts can exist'] : []),
  ];
  return reasons.map((reason) => ({ path: ['routes', name], message: `can match nothing: ${reason}` }));
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
