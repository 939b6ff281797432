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
    ...bodyOf(fields, { enum: [event.name, ...event.aliases] }),
    examples: [normalise(event.example).data],
  };
}

function publishing({ category, routingKey }: EventDefinition): string {
  if (category === relayCategory) return 'The daemon itself makes it; no KAZOO publishes it';
  return routingKey === null
    ? 'Only KAZOO 5 publishes it; its routing key is not known'
    : `KAZOO publishes it with the routing key ${routingKey}`;
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
  return {
    type: 'object',
    // An event's own field comes after the common one of its name, and takes its place.
    properties: Object.fromEntries(fields.map((field) => [field.name, propertyOf(field, narrowed[field.name])])),
    required: [...required],
  };
}

/** Fields that every event has narrowed to less than their type allows. */
const narrowedEverywhere: Readonly<Record<string, JsonObject>> = {
  event_category: { const: 'notification' },
  account_id: { type: 'string', minLength: 1 },
};

function propertyOf({ type, secret, description }: EventField, narrowed: JsonObject | undefined): JsonObject {
  const unit = type === 'gregorian' ? ', in seconds since year 0 (Unix time is the value minus 62167219200)' : '';
  const text = { description: `${description}${unit}` };
  const value = narrowed ?? typeSchemas[type];
  return secret ? { ...text, ...orRedacted(type, value), writeOnly: true } : { ...text, ...value };
}

/** What stands in a secret's place must fit as well, so that a notification in the journal can be validated again. */
function orRedacted(type: FieldType, value: JsonObject): JsonObject {
  return type === 'string' || type === 'any' ? value : { anyOf: [value, { const: redacted }] };
}

const digits = '^[0-9]+$';

/** Digits of an integer that a double may not hold. */
const large = '[1-9][0-9]{15,}$';

/** The patterns of the built-in schemas. */
export const digitsOfLarge: ReadonlySet<string> = new Set([`^${large}`, `^-?${large}`]);
export const ownPatterns: ReadonlySet<string> = new Set([digits, ...digitsOfLarge]);

/** KAZOO's encoder may write an empty object as `[]`, wherever it stands: no other array is one. */
const emptyAsArray: JsonObject = { maxItems: 0 };

/** An integer, or the digits of one that a double can't hold: so it comes to sinks. */
function integer(sign: string, limits: JsonObject = {}): JsonObject {
  return {
    anyOf: [
      { type: 'integer', ...limits },
      { type: 'string', pattern: `^${sign}${large}` },
    ],
  };
}

/** KAZOO drops what is undefined from objects, but not from lists: these may hold null. */
const typeSchemas: Readonly<Record<FieldType, JsonObject>> = {
  string: { type: 'string' },
  integer: integer('-?'),
  boolean: { type: 'boolean' },
  object: { type: ['object', 'array'], ...emptyAsArray },
  gregorian: integer('', { minimum: 0 }),
  'numeric string': { type: 'string', pattern: digits },
  'string[]': { type: 'array', items: { type: ['string', 'null'] } },
  'object[]': { type: 'array', items: { type: ['object', 'array', 'null'], ...emptyAsArray } },
  'object[]|string[]': { type: 'array', items: { type: ['object', 'array', 'string', 'null'], ...emptyAsArray } },
  'string|string[]': { type: ['string', 'array'], items: { type: ['string', 'null'] } },
  'string|object': { type: ['string', 'object', 'array'], ...emptyAsArray },
  'string|integer': { type: ['string', 'integer'] },
  'string|number': { type: ['string', 'number'] },
  'number|string': { type: ['number', 'string'] },
  'boolean|string': { type: ['boolean', 'string'] },
  address: {
    type: ['string', 'array', 'object'],
    items: { type: ['string', 'object', 'array', 'null'], ...emptyAsArray },
  },
  any: {},
};
