import { closestMatch } from '../common/text/did-you-mean.ts';
import { globToRegExp } from '../common/text/patterns.ts';
import { commonFields, eventNamed, events } from '../kazoo/catalogue.ts';
import type { FieldType } from '../kazoo/event.ts';
import { envelopeKeys } from '../notification/envelope.ts';

/** Fields by the operator's own schemas, by event; undefined for a schema that names none. */
export type OwnFields = ReadonlyMap<string, readonly string[] | undefined>;

/** The JSON kinds of a field's values. */
export type JsonKind = 'text' | 'a number' | 'true or false' | 'an object' | 'a list';

/** What is known of the bodies that a route selects. */
export interface BodyFields {
  /** Names of the events; undefined where the route selects all of them. */
  readonly selected: readonly string[] | undefined;
  /** What is wrong with a path into the envelope, with its steps; undefined where nothing is known to be. */
  problemOf(path: readonly string[]): string | undefined;
  /** The kinds of value that the field may have in those events; empty if unknown. */
  kindsOf(field: string): ReadonlySet<JsonKind>;
}

/** The same for the `events` of any route. Those of thousands of routes are mostly the same. */
export type Bodies = (patterns: readonly string[]) => BodyFields | undefined;

export function createBodies(own: OwnFields): Bodies {
  const known = new Map<string, BodyFields | undefined>();
  return (patterns) => {
    const key = patterns.join('\n');
    if (!known.has(key)) known.set(key, bodyFieldsOf(patterns, own));
    return known.get(key);
  };
}

/**
 * @param patterns a route's `events`
 * @returns undefined where it selects an event that neither the catalogue nor a schema has: anything may be in that
 */
function bodyFieldsOf(patterns: readonly string[], own: OwnFields): BodyFields | undefined {
  const known = [...new Set([...events.map(({ name }) => name), ...own.keys()])];
  const selects = patterns.map((pattern) => {
    const glob = globToRegExp(pattern);
    return known.filter((name) => glob.test(name) || eventNamed(pattern)?.name === name);
  });
  if (selects.some((names) => names.length === 0)) return undefined;
  const isAll = patterns.length === 0 || patterns.includes('*');
  const names = isAll ? known : [...new Set(selects.flat())];
  if (names.some((name) => own.has(name) && own.get(name) === undefined)) return undefined;
  const types = typesOf(names, own);
  const who = isAll ? undefined : names;

  return {
    selected: who,
    problemOf: (path) => problemOf(path, types, who),
    kindsOf: (field) => new Set([...(types.get(field) ?? [])].flatMap((type) => kinds[type] ?? [])),
  };
}

type Types = ReadonlyMap<string, ReadonlySet<FieldType>>;

function typesOf(names: readonly string[], own: OwnFields): Types {
  const types = new Map<string, Set<FieldType>>();
  const add = (name: string, type: FieldType) => void types.set(name, (types.get(name) ?? new Set()).add(type));
  for (const { name, type } of commonFields) add(name, type);
  for (const event of names) {
    // What a schema of the operator's says of a field isn't looked at.
    for (const field of own.get(event) ?? []) add(field, 'any');
    for (const { name, type } of eventNamed(event)?.fields ?? []) add(name, type);
  }
  return types;
}

const everything: readonly JsonKind[] = ['text', 'a number', 'true or false', 'an object', 'a list'];

/** KAZOO's encoder may write an empty object as a list. */
const kinds: Readonly<Record<FieldType, readonly JsonKind[]>> = {
  string: ['text'],
  integer: ['a number'],
  gregorian: ['a number'],
  boolean: ['true or false'],
  object: ['an object', 'a list'],
  'numeric string': ['text'],
  'string[]': ['a list'],
  'object[]': ['a list'],
  'object[]|string[]': ['a list'],
  'string|string[]': ['text', 'a list'],
  'string|object': ['text', 'an object', 'a list'],
  'string|integer': ['text', 'a number'],
  'string|number': ['text', 'a number'],
  'number|string': ['text', 'a number'],
  'boolean|string': ['true or false', 'text'],
  address: ['text', 'an object', 'a list'],
  any: everything,
};

function problemOf(
  [first = '', field, ...rest]: readonly string[],
  types: Types,
  who: readonly string[] | undefined,
): string | undefined {
  if (!envelopeKeys.some((key) => key === first)) return outsideOf(first, types);
  if (first !== 'data' || field === undefined || field === '*') return undefined;
  const found = types.get(field);
  if (found === undefined) return unknownField(field, types, who);
  const isPlain = [...found].every((type) => kinds[type].every((kind) => kind !== 'an object' && kind !== 'a list'));
  const [type] = found;
  if (rest.length === 0 || !isPlain || type === undefined) return undefined;
  return `data.${field} is ${kinds[type].join(' or ')}, and has no ${rest.join('.')}`;
}

function outsideOf(name: string, types: Types): string {
  const field = normalised(name);
  if (types.has(field)) return `${name} is no key of the envelope: write data.${field}`;
  const near = closestMatch(name, envelopeKeys);
  return `${name} is no key of the envelope${near === undefined ? '; those of the body begin with data.' : `; did you mean ${near}?`}`;
}

function unknownField(field: string, types: Types, who: readonly string[] | undefined): string {
  const name = normalised(field);
  if (name !== field && types.has(name)) return `${field} is the name on the wire: write data.${name}`;
  const near = closestMatch(field, [...types.keys()]);
  const elsewhere = events.filter((event) => event.fields.some((candidate) => candidate.name === field));
  const hint = near === undefined ? elsewhereHint(elsewhere.map((event) => event.name)) : `; did you mean ${near}?`;
  return `${none(who)} has a field ${field}${hint}`;
}

function elsewhereHint(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `; ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' and others' : ''} ${names.length === 1 ? 'has' : 'have'} one`;
}

/** `none of missed_call, voicemail_new`. */
function none(who: readonly string[] | undefined): string {
  if (who === undefined) return 'no event';
  if (who.length > 4) return "none of the route's events";
  return who.length === 1 ? `no ${who[0]}` : `none of ${who.join(', ')}`;
}

/** A key as KAZOO's normalising makes it. */
function normalised(key: string): string {
  return key.replaceAll('-', '_').toLowerCase();
}
