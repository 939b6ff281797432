import { eventNamed, events } from '../kazoo/catalogue.ts';
import type { EventDefinition } from '../kazoo/event.ts';
import { nearest } from '../nearest.ts';

/**
 * The event of that name or alias.
 * @throws Error that suggests another name, when the catalogue doesn't have it
 */
export function knownEvent(name: string): EventDefinition {
  const event = eventNamed(name);
  if (event !== undefined) return event;
  const names = events.flatMap((known) => [known.name, ...known.aliases]);
  const near = nearest(name, names);
  const hint = near === undefined ? '"kazoo-relay events" lists all of them' : `did you mean ${near}?`;
  throw new Error(`KAZOO has no event ${JSON.stringify(name)}; ${hint}`);
}
