import { isObject, type JsonObject } from '../common/json.ts';
import { commonFields } from '../kazoo/catalogue.ts';
import { anyEventNamed } from '../kazoo/relay-events.ts';
import type { Accepts } from './accept.ts';
import type { Node, SchemaGraph } from './graph.ts';

/** How many unknown fields of one notification are told. */
const maxFields = 20;

/**
 * Finds the fields of a body that neither the catalogue nor an operator's schema has for its event.
 * @param own by event, those of the operator's schemas: they add to what the catalogue knows
 */
export function createUnknownFields(
  own: ReadonlyMap<string, readonly string[]>,
  accepts: Accepts,
): (event: string | null, data: JsonObject) => readonly string[] | null {
  const known = new Map<string, ReadonlySet<string>>();

  /** Undefined where no schema is for the event. Only those that have one are kept: others may have any name. */
  function knownFields(event: string): ReadonlySet<string> | undefined {
    const definition = anyEventNamed(event);
    const ofOperator = own.get(definition?.name ?? event);
    if (definition === undefined && ofOperator === undefined) return undefined;
    const ofCatalogue = [...commonFields, ...(definition?.fields ?? [])].map(({ name }) => name);
    const fields = new Set([...ofCatalogue, ...(ofOperator ?? [])]);
    known.set(event, fields);
    return fields;
  }

  return (event, data) => {
    const fields = event === null ? undefined : (known.get(event) ?? knownFields(event));
    if (fields === undefined) return null;
    let unknown: string[] | undefined;
    for (const name in data) {
      if (fields.has(name)) continue;
      const pointer = pointerTo(name);
      if (accepts(event, pointer)) continue;
      unknown ??= [];
      if (unknown.push(pointer) === maxFields) break;
    }
    return unknown ?? none;
  };
}

const none: readonly string[] = [];

/** JSON Pointer to a member of the body; only the beginning of one that is longer than any that KAZOO has. */
function pointerTo(name: string): string {
  return `/${name.slice(0, maxLength).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

const maxLength = 128;

/** The members that a schema names for the body itself, in any of the schemas that apply to it. */
export function fieldsIn(root: Node, graph: SchemaGraph): string[] {
  const seen = new Set<Node>([root]);
  for (const node of seen) {
    for (const { to, part } of graph.edges(node)) if (part === 'value') seen.add(to);
  }
  return [...seen].flatMap(({ schema: { properties } }) => (isObject(properties) ? Object.keys(properties) : []));
}
