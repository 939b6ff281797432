import { globToRegExp } from '../common/text/patterns.ts';
import { eventNamed } from '../kazoo/catalogue.ts';

/** `validation.accept`: by event, or a pattern of them, JSON Pointers into the body. */
export type Accepted = Readonly<Record<string, readonly string[]>>;

/** True if the operator accepts a problem there, or below it. */
export type Accepts = (event: string | null, path: string) => boolean;

export function createAcceptance(accepted: Accepted): Accepts {
  const rules = Object.entries(accepted).map(([event, pointers]) => ({
    event: globToRegExp(eventNamed(event)?.name ?? event),
    paths: pointers.map(placesOf),
  }));
  return (event, path) =>
    rules.some((rule) => rule.event.test(event ?? '') && rule.paths.some((places) => places.test(path)));
}

/** A pointer, and all below it; `*` stands for any one key or index. */
function placesOf(pointer: string): RegExp {
  const keys = pointer.split('/').map((key) => (key === '*' ? '[^/]*' : RegExp.escape(key)));
  return new RegExp(`^${keys.join('/')}(/|$)`, 's');
}
