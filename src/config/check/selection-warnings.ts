import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMapping } from '../../common/options/value-checks.ts';
import { suggestionFor } from '../../common/text/did-you-mean.ts';
import { globToRegExp } from '../../common/text/patterns.ts';
import { commonFields, events } from '../../kazoo/catalogue.ts';
import { relayEvents } from '../../kazoo/relay-events.ts';
import type { OwnFields } from '../../routes/body-fields.ts';
import type { Config, RouteConfig } from '../config.ts';
import type { Issue } from '../diagnostics.ts';

/** The known choices of a route; undefined if unknown. */
interface Known {
  readonly events: KnownEvents | undefined;
  readonly zones: readonly string[] | undefined;
}

/** The parts of a route's selection that match nothing, or reveal nothing. */
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

/** What else names an event or a zone that nothing has: an alarm that never ends, or an exception that never applies. */
export function namingWarnings({ expect, validation }: Config, known: Known): Issue[] {
  const zones = expect.map(({ zone }) => (zone === undefined ? undefined : unknownZone(zone, known)));
  const events = Object.keys(validation.accept).map((event) => [event, known.events?.problemOf(event)] as const);
  return [
    ...zones.flatMap((message, index) => (message === undefined ? [] : [{ path: ['expect', index, 'zone'], message }])),
    ...events.flatMap(([event, message]) =>
      message === undefined ? [] : [{ path: ['validation', 'accept', event], message }],
    ),
  ];
}

/** Events that a route may name. Each name is looked at once: thousands of routes may have the same. */
export class KnownEvents {
  readonly #names: readonly string[];
  readonly #problems = new Map<string, string | undefined>();

  constructor(own: OwnFields) {
    this.#names = knownEvents(own);
  }

  /** Why there is nothing of that name or pattern; undefined where there is. */
  problemOf(event: string): string | undefined {
    if (!this.#problems.has(event)) this.#problems.set(event, unknownEvent(event, this.#names));
    return this.#problems.get(event);
  }
}

/** Those of the catalogue, and those that the operator has schemas for. */
function knownEvents(own: OwnFields): string[] {
  return [...[...events, ...relayEvents].flatMap(({ name, aliases }) => [name, ...aliases]), ...own.keys()];
}

/** The fields that the operator's schemas define. */
export function ownFields({ validation }: Config): OwnFields {
  const fields = new Map<string, readonly string[] | undefined>();
  for (const folder of validation.schemas) {
    try {
      for (const file of readdirSync(folder)) {
        if (file.endsWith('.json')) fields.set(file.slice(0, -'.json'.length), fieldsIn(join(folder, file)));
      }
    } catch {
      // Reading the schemas reports a folder that can't be read.
    }
  }
  return fields;
}

/** Keywords by which a schema may have fields beside its own `properties`. */
const elsewhere = ['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'if', 'patternProperties'];

function fieldsIn(file: string): string[] | undefined {
  try {
    const schema: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isMapping(schema) || elsewhere.some((keyword) => keyword in schema)) return undefined;
    return isMapping(schema.properties) ? Object.keys(schema.properties) : undefined;
  } catch {
    return undefined; // as above
  }
}

export function knownZones({ brokers }: Config): string[] {
  return [...new Set(brokers.map(({ zone }) => zone))];
}

function unknownEvent(event: string, known: readonly string[]): string | undefined {
  const published = byRoutingKey(event);
  if (published !== undefined) return `${quoted(event)} ${published}`;
  if (event.includes('*')) {
    const glob = globToRegExp(event);
    return known.some((name) => glob.test(name))
      ? undefined
      : `${quoted(event)} matches no event that the catalogue has`;
  }
  if (known.includes(event)) return undefined;
  const several = known.filter((name) => event.split(/[\s,;|]+/).includes(name));
  if (several.length > 1) return `${quoted(event)} is one name: write [${several.join(', ')}]`;
  if (/^-\S/.test(event)) return `${quoted(event)} is one name: the dash of a list needs a space behind it`;
  const family = events.filter(({ category }) => category === event).map(({ name }) => name);
  if (family.length > 0) return `${quoted(event)} is a category: its events are ${family.join(', ')}`;
  // As it is on the wire, in camel case, or with dots.
  const name = event
    .replace(/(?<=[a-z])(?=[A-Z])/g, '_')
    .replace(/[^A-Za-z]+/g, '_')
    .replace(/^_|_$/g, '')
    .toLowerCase();
  return `${quoted(event)} is not in the catalogue of events${suggestionFor(known.includes(name) ? name : event, known)}`;
}

/** What is said of a routing key, also of one with the wildcards of AMQP, in the place of an event. */
function byRoutingKey(written: string): string | undefined {
  if (!written.startsWith('notifications.')) return undefined;
  const glob = globToRegExp(written.replaceAll('#', '*'));
  const names = events.filter(({ routingKey }) => routingKey !== null && glob.test(routingKey)).map(({ name }) => name);
  if (names.length === 0) return 'is a routing key, and events are selected by their names';
  return names.length === 1
    ? `is a routing key: its event is ${names[0]}`
    : `is a routing key: its events are ${names.join(', ')}`;
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
