import { suggestionFor } from '../../common/text/did-you-mean.ts';
import { globToRegExp } from '../../common/text/patterns.ts';
import type { Config } from '../../config/config.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import type { JournalReader } from '../../journal/reader.ts';
import { eventNamed, events } from '../../kazoo/catalogue.ts';
import type { EventDefinition } from '../../kazoo/event.ts';
import { relayEvents } from '../../kazoo/relay-events.ts';
import type { Entry } from '../../notification/entry.ts';

/** KAZOO's events, and the daemon's own. */
const catalogue = [...events, ...relayEvents];

/** @throws Error that suggests another name, when the configuration has no such route */
export function findRoute<R extends { readonly name: string }>(name: string, routes: readonly R[]): R {
  const route = routes.find((candidate) => candidate.name === name);
  if (route !== undefined) return route;
  const names = routes.map((candidate) => candidate.name);
  const hint = suggestionFor(name, names, `there are ${names.join(', ')}`);
  throw new Error(`the configuration has no route ${JSON.stringify(name)}${hint}`);
}

/**
 * The event of that name or alias, of KAZOO or the daemon's own.
 * @throws Error that suggests another name, when the catalogue doesn't have it
 */
export function findEvent(name: string, among: readonly EventDefinition[] = catalogue): EventDefinition {
  const event = among.find((candidate) => candidate.name === name || candidate.aliases.includes(name));
  if (event !== undefined) return event;
  const names = among.flatMap((known) => [known.name, ...known.aliases]);
  const hint = suggestionFor(name, names, '"kazoo-relay events" lists all of them');
  throw new Error(`KAZOO has no event ${JSON.stringify(name)}${hint}`);
}

/**
 * One that the journal has.
 * @param source the command that shows ids
 * @throws Error where it hasn't
 */
export async function findEntry(id: string, store: OperatorStore, source: string): Promise<Entry> {
  const entry = await store.entry(id);
  if (entry !== null) return entry;
  throw new Error(`the journal has no notification ${JSON.stringify(id)}; "kazoo-relay ${source}" shows the ids`);
}

type Journal = Pick<JournalReader, 'find'>;

/**
 * Events to look for in a journal: names and globs, aliases replaced by the catalogue's names.
 * @throws Error that suggests another name, where one fits no event that is known anywhere
 */
export async function resolveEvents(
  patterns: readonly string[],
  config: Pick<Config, 'validation'>,
  journal: Journal,
): Promise<string[]> {
  for (const pattern of patterns) await check(pattern, fitting(pattern), config, journal);
  return patterns.map(nameOf);
}

/** The same for one name, in which a star is nothing but a star. */
export async function resolveEvent(
  name: string,
  config: Pick<Config, 'validation'>,
  journal: Journal,
): Promise<string> {
  await check(name, (event) => event === name, config, journal);
  return nameOf(name);
}

function fitting(pattern: string): (event: string) => boolean {
  const glob = globToRegExp(pattern);
  return (event) => glob.test(event);
}

function nameOf(event: string): string {
  return eventNamed(event)?.name ?? event;
}

/** The journal is asked last: it may have to read all that it holds. */
async function check(
  pattern: string,
  fits: (event: string) => boolean,
  config: Pick<Config, 'validation'>,
  journal: Journal,
): Promise<void> {
  const names = catalogue.flatMap(({ name, aliases }) => [name, ...aliases]);
  if (names.some(fits) || (await eventsOf(config)).some(fits)) return;
  const entries = await journal.find({ events: [pattern], limit: 1 });
  if (entries.some(({ header }) => header.event !== null && fits(header.event))) return;
  const hint = suggestionFor(pattern, names, '"kazoo-relay events" lists those of KAZOO');
  throw new Error(`neither KAZOO nor the journal has an event ${JSON.stringify(pattern)}${hint}`);
}

/** Events of the operator's own, which may be still to come: those that he has schemas for. */
async function eventsOf({ validation }: Pick<Config, 'validation'>): Promise<readonly string[]> {
  if (validation.schemas.length === 0) return [];
  // Loaded late, because few need it.
  const { readSchemaFiles } = await import('../../schema/files.ts');
  return [...readSchemaFiles(validation.schemas).keys()];
}
