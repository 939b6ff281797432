import { readdirSync } from 'node:fs';
import { hintFor } from '../../common/text/did-you-mean.ts';
import { globToRegExp } from '../../common/text/glob.ts';
import { commonFields, events } from '../../kazoo/catalogue.ts';
import type { Config, RouteConfig } from '../config.ts';
import type { Mistake } from '../diagnostics.ts';

/** What a route may select from; undefined where that can't be told. */
interface Known {
  readonly events: readonly string[] | undefined;
  readonly zones: readonly string[] | undefined;
}

/** What of a route's selection can match nothing, or reveal nothing. */
export function selectionDoubts(route: RouteConfig, known: Known): Mistake[] {
  const { events: wanted, zones, accounts, reveal } = route;
  const lists: Record<string, readonly (string | undefined)[]> = {
    events: wanted.map((event) => strangeEvent(event, known)),
    zones: zones.map((zone) => strangeZone(zone, known)),
    accounts: accounts.map(strangeAccount),
    reveal: reveal.map(strangeField),
  };
  const path = ['routes', route.name];
  const doubts = Object.entries(lists).flatMap(([list, messages]) =>
    messages.flatMap((message, index) => (message === undefined ? [] : [{ path: [...path, list, index], message }])),
  );
  return [...doubts, ...repeated(route), ...matchesNothing(route, lists)];
}

/** Those of the catalogue, and those that the operator has schemas for. */
export function knownEvents({ validation }: Config): string[] {
  const ofOperator = validation.schemas.flatMap((folder) => {
    try {
      return readdirSync(folder).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []));
    } catch {
      return []; // a folder that can't be read is told of by whoever reads the schemas themselves
    }
  });
  return [...events.flatMap(({ name, aliases }) => [name, ...aliases]), ...ofOperator];
}

export function knownZones({ brokers }: Config): string[] {
  return [...new Set(brokers.map(({ zone }) => zone))];
}

function strangeEvent(event: string, { events: known }: Known): string | undefined {
  if (known === undefined) return undefined;
  if (event.includes('*')) {
    const glob = globToRegExp(event);
    return known.some((name) => glob.test(name))
      ? undefined
      : `${quoted(event)} matches no event that the catalogue has`;
  }
  return known.includes(event)
    ? undefined
    : `${quoted(event)} is not in the catalogue of events${hintFor(event, known)}`;
}

function strangeZone(zone: string, { zones }: Known): string | undefined {
  if (zones === undefined || zones.includes(zone)) return undefined;
  return `${quoted(zone)} is the zone of no broker${hintFor(zone, zones, `there are ${zones.join(', ')}`)}`;
}

function strangeAccount(account: string): string | undefined {
  return /^[0-9a-f]{32}$/.test(account)
    ? undefined
    : `${quoted(account)} can't be an account id: KAZOO's have 32 digits and letters from a to f`;
}

function strangeField(path: string): string | undefined {
  const [field = ''] = path.split('.');
  const fields = [...events.flatMap((event) => event.fields), ...commonFields].map(({ name }) => name);
  return fields.includes(field) ? undefined : `${quoted(path)} is a field of no event${hintFor(field, fields)}`;
}

function repeated(route: RouteConfig): Mistake[] {
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
  { events: strangeEvents = [], zones = [], accounts = [] }: Readonly<Record<string, readonly (string | undefined)[]>>,
): Mistake[] {
  const all = (list: readonly (string | undefined)[]) => list.length > 0 && !list.includes(undefined);
  const reasons = [
    ...(all(strangeEvents) && unknown === 'quarantine'
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
