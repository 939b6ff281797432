import { hintFor } from '../../common/text/did-you-mean.ts';
import { eventNamed, events } from '../../kazoo/catalogue.ts';
import type { EventDefinition } from '../../kazoo/event.ts';

/**
 * The event of that name or alias.
 * @throws Error that suggests another name, when the catalogue doesn't have it
 */
export function knownEvent(name: string): EventDefinition {
  const event = eventNamed(name);
  if (event !== undefined) return event;
  const names = events.flatMap((known) => [known.name, ...known.aliases]);
  const hint = hintFor(name, names, '"kazoo-relay events" lists all of them');
  throw new Error(`KAZOO has no event ${JSON.stringify(name)}${hint}`);
}
