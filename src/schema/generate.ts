import type { JsonObject } from '../common/json.ts';
import { commonFields, schemaId } from '../kazoo/catalogue.ts';
import type { EventDefinition, EventField, FieldType } from '../kazoo/event.ts';
import { normalise } from '../kazoo/normalise.ts';
import { relayCategory } from '../kazoo/relay-events.ts';
import { redacted } from '../notification/notification.ts';

/** The JSON Schema (draft 2020-12) of one event's normalised body. */
export function schemaOf(event: EventDefinition): JsonObject {
  const own = new Set(event.fields.map((field) => field.name));
  const fields = [...base, ...event.fields, ...optionals.filter((field) => !own.has(field.name))];
  return {
    $schema: dialect,
    $id: schemaId(event.name),
    title: event.title,
    description: `${event.summary}. ${publishing(event)}.`,
    ...bodyOf(fields, nameOf(event)),
    examples: [normalise(event.example).data],
  };
}

function publishing({ category, routingKey }: EventDefinition): string {
  if (category === relayCategory) return 'The daemon itself makes it; no KAZOO publishes it';
  return routingKey === null
    ? 'Only KAZOO 5 publishes it; its routing key is not known'
    : `KAZOO publishes it with the routing key ${routingKey}`;
}

function nameOf({ name, aliases }: EventDefinition): JsonObject {
  return aliases.length === 0 ? constant(name) : { type: 'string', enum: [name, ...aliases] };
}

/** The JSON Schema of an event that the catalogue doesn't know: what all events have in common. */
export function unknownSchema(): JsonObject {
  return {
    $schema: dialect,
    $id: schemaId(unknownEvent),
    title: 'Unknown event',
    description: 'What the notifications of all events have in common, for those that the catalogue does not know.',
    ...bodyOf(commonFields, { type: 'string', minLength: 1 }),
  };
}

/** What the schema of unknown events is called among those of the events. */
export const unknownEvent = 'unknown';

/** The dialect of every schema here. */
export const dialect = 'https://json-schema.org/draft/2020-12/schema';

const base = commonFields.filter((field) => field.required);
const optionals = commonFields.filter((field) => !field.required);

/** Extra members are never an error: other versions of KAZOO send other keys. */
function bodyOf(fields: readonly EventField[], eventName: JsonObject): JsonObject {
  const narrowed: Readonly<Record<string, JsonObject>> = { ...narrowedEverywhere, event_name: eventName };
  const required = new Set(fields.filter((field) => field.required).map((field) => field.name));
  // An event's own field comes after the common one of its name, and takes its place.
  const own = [...new Map(fields.map((field) => [field.name, field])).values()];
  const named = own.map(shapeOf).filter(({ schema }) => !isPlain(schema));
  return {
    type: 'object',
    properties: Object.fromEntries(own.map((field) => [field.name, propertyOf(field, narrowed[field.name])])),
    required: [...required],
    // The title too, since some generators of code name a type by it, or else by the first field that has it.
    $defs: Object.fromEntries(named.map(({ name, schema }) => [name, { title: name, ...schema }])),
  };
}

function constant(value: string): JsonObject {
  return { type: 'string', const: value };
}

/** Fields that every event has narrowed to less than their type allows. */
const narrowedEverywhere: Readonly<Record<string, JsonObject>> = {
  event_category: constant('notification'),
  account_id: { type: 'string', minLength: 1 },
};

function propertyOf(field: EventField, narrowed: JsonObject | undefined): JsonObject {
  const { type, secret, description } = field;
  const unit = type === 'gregorian' ? ', in seconds since year 0 (Unix time is the value minus 62167219200)' : '';
  const { name, schema } = shapeOf(field);
  const value = narrowed ?? (isPlain(schema) ? schema : { $ref: `#/$defs/${name}` });
  return { description: `${description}${unit}`, ...value, ...(secret ? { writeOnly: true } : {}) };
}

/** What more than one field may be, by the name that it has in `$defs`: generators of code make a type of it. */
interface Shape {
  readonly name: string;
  readonly schema: JsonObject;
}

function shapeOf({ type, secret }: EventField): Shape {
  const { name, schema } = shapes[type];
  // What stands in a secret's place must fit as well, so that a notification in the journal can be validated again.
  if (!secret || type === 'string' || type === 'any') return { name, schema };
  const alternatives = Array.isArray(schema.anyOf) ? schema.anyOf : [schema];
  return { name: `secret_${name}`, schema: { anyOf: [...alternatives, constant(redacted)] } };
}

/** True where a type says all, and a name would say no more. */
function isPlain(schema: JsonObject): boolean {
  return Object.keys(schema).length === 1 && typeof schema.type === 'string';
}

const digits = '^[0-9]+$';

/** Digits of an integer that a double may not hold. */
const large = '[1-9][0-9]{15,}$';

/** The patterns of the built-in schemas. */
export const digitsOfLarge: ReadonlySet<string> = new Set([`^${large}`, `^-?${large}`]);
export const ownPatterns: ReadonlySet<string> = new Set([digits, ...digitsOfLarge]);

/** KAZOO's encoder may write an empty object as `[]`, wherever it stands: no other array is one. */
const emptyAsArray: JsonObject = { maxItems: 0 };
const anObject = 'an object; KAZOO may write an empty one as []';

/** An integer, or the digits of one that a double can't hold: so it comes to sinks. */
function integer(sign: string, limits: JsonObject = {}): JsonObject {
  return {
    description: 'an integer; one that a double can’t hold as its digits',
    anyOf: [
      { type: 'integer', ...limits },
      { type: 'string', pattern: `^${sign}${large}` },
    ],
  };
}

/** KAZOO drops what is undefined from objects, but not from lists: these may hold null. */
const shapes: Readonly<Record<FieldType, Shape>> = {
  string: { name: 'text', schema: { type: 'string' } },
  integer: { name: 'integer', schema: integer('-?') },
  boolean: { name: 'boolean', schema: { type: 'boolean' } },
  object: { name: 'any_object', schema: { description: anObject, type: ['object', 'array'], ...emptyAsArray } },
  gregorian: { name: 'gregorian_seconds', schema: integer('', { minimum: 0 }) },
  'numeric string': { name: 'digits', schema: { type: 'string', pattern: digits } },
  'string[]': { name: 'texts', schema: { type: 'array', items: { type: ['string', 'null'] } } },
  'object[]': {
    name: 'objects',
    schema: { type: 'array', items: { type: ['object', 'array', 'null'], ...emptyAsArray } },
  },
  'object[]|string[]': {
    name: 'objects_or_texts',
    schema: { type: 'array', items: { type: ['object', 'array', 'string', 'null'], ...emptyAsArray } },
  },
  'string|string[]': {
    name: 'text_or_texts',
    schema: { type: ['string', 'array'], items: { type: ['string', 'null'] } },
  },
  'string|object': { name: 'text_or_object', schema: { type: ['string', 'object', 'array'], ...emptyAsArray } },
  'string|integer': { name: 'text_or_integer', schema: { type: ['string', 'integer'] } },
  'string|number': { name: 'text_or_number', schema: { type: ['string', 'number'] } },
  'number|string': { name: 'number_or_text', schema: { type: ['number', 'string'] } },
  'boolean|string': { name: 'boolean_or_text', schema: { type: ['boolean', 'string'] } },
  address: {
    name: 'address',
    schema: {
      type: ['string', 'array', 'object'],
      items: { type: ['string', 'object', 'array', 'null'], ...emptyAsArray },
    },
  },
  any: { name: 'anything', schema: { type: ['object', 'array', 'string', 'number', 'boolean', 'null'] } },
};
