import { isObject, type Json, type JsonObject } from '../../src/common/json.ts';
import { schemaOf, unknownSchema } from '../../src/schema/generate.ts';
import { allEvents, envelopeSchema } from './envelope.ts';

/** TypeScript's types of all events and of the envelope, made of their schemas. */
export function typesText(): string {
  const common = unknownSchema();
  const schemas = allEvents.map((event) => ({ event, type: typeName(event.name), schema: schemaOf(event) }));
  const shapes = new Map([common, ...schemas.map(({ schema }) => schema)].flatMap((schema) => membersOf(schema.$defs)));
  const { event: _event, category: _category, valid: _valid, data: _data, ...rest } = propertiesOf(envelopeSchema());
  return [
    header,
    `export interface EnvelopeBase ${members(rest, Object.keys(rest))}`,
    envelopes,
    '/** The body of each event, by its name: what `data` is. */',
    `export interface EventData {\n${schemas.map(({ event, type }) => `  ${event.name}: ${type};`).join('\n')}\n}\n`,
    '/** The category of each event. */',
    `export interface EventCategory {\n${schemas.map(({ event }) => `  ${event.name}: '${event.category}';`).join('\n')}\n}\n`,
    ...[...shapes]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => `${comment(schema)}export type ${typeName(name)} = ${typeOf(schema)};\n`),
    '/** What the body of any event may hold. An event’s own field of the same name takes its place. */',
    `export interface CommonData ${members(propertiesOf(common), requiredOf(common))}`,
    ...schemas.flatMap(({ event, type, schema }) => [
      `/** ${event.title}: ${event.summary}. */`,
      `export interface ${type} extends ${ownMembers(schema, common)}`,
    ]),
  ].join('\n');
}

const header = `// Made of the catalogue of events by \`npm run schemas\`: change that, not this.

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}
`;

const envelopes = `/** The name of each event of the catalogue. */
export type EventName = keyof EventData;

/** A notification that fits the schema of its event: \`event\` says what \`data\` is. */
export type EventEnvelope<Name extends EventName = EventName> = {
  [One in Name]: EnvelopeBase & {
    readonly event: One;
    readonly category: EventCategory[One];
    readonly valid: true;
    readonly data: EventData[One];
  };
}[Name];

/** A notification of an event that the catalogue doesn't have. */
export interface UnknownEnvelope extends EnvelopeBase {
  readonly event: string;
  readonly category: null;
  readonly valid: true;
  readonly data: CommonData & JsonObject;
}

/** A notification that doesn't fit the schema of its event; \`problems\` say why. A route gets them where its \`invalid\` is \`deliver\`. */
export interface InvalidEnvelope extends EnvelopeBase {
  readonly event: string | null;
  readonly category: EventCategory[EventName] | null;
  readonly valid: false;
  readonly data: JsonObject | null;
}

/**
 * What a sink gets. Where \`valid\` is true and \`category\` isn't null, \`event\` tells the types of \`data\` apart:
 * \`if (envelope.valid && envelope.category !== null) switch (envelope.event) { … }\`
 */
export type Envelope = EventEnvelope | UnknownEnvelope | InvalidEnvelope;
`;

function comment({ description }: JsonObject): string {
  return typeof description === 'string' ? `/** ${description} */\n` : '';
}

/** Only what differs from the common fields, so that a reader sees what is the event's own. */
function ownMembers(schema: JsonObject, common: JsonObject): string {
  const [shared, required] = [propertiesOf(common), new Set(requiredOf(common))];
  const own = requiredOf(schema);
  const isOwn = ([name, property]: [string, JsonObject]) =>
    JSON.stringify(property) !== JSON.stringify(shared[name]) || own.includes(name) !== required.has(name);
  const different = Object.fromEntries(Object.entries(propertiesOf(schema)).filter(isOwn));
  const replaced = Object.keys(different).filter((name) => name in shared);
  const base = `Omit<CommonData, ${replaced.map((name) => `'${name}'`).join(' | ')}>`;
  return `${base} ${members(different, own)}`;
}

function members(properties: Readonly<Record<string, JsonObject>>, required: readonly string[]): string {
  const lines = Object.entries(properties).map(
    ([name, schema]) =>
      `  ${comment(schema)}  readonly ${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};\n`,
  );
  return `{\n${lines.join('')}}\n`;
}

/** The type of what fits a schema, as far as a type can say it. Knows the keywords that our schemas have. */
function typeOf(schema: JsonObject): string {
  if (typeof schema.$ref === 'string') return typeName(schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1));
  if (schema.const !== undefined) return literal(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(literal).join(' | ');
  if (Array.isArray(schema.anyOf)) return [...new Set(schema.anyOf.filter(isObject).map(typeOf))].join(' | ');
  const types = [schema.type].flat().map((type) => typeNamed(String(type), schema));
  return types.length === Object.keys(plainTypes).length - 1 ? 'JsonValue' : types.join(' | ');
}

function typeNamed(type: string, { items, maxItems, properties }: JsonObject): string {
  if (type === 'object' && isObject(properties)) {
    const inner = Object.entries(properties).map(
      ([name, one]) => `readonly ${name}: ${isObject(one) ? typeOf(one) : ''}`,
    );
    return `{ ${inner.join('; ')} }`;
  }
  if (type !== 'array') return plainTypes[type] ?? 'JsonValue';
  // KAZOO may write an empty object so.
  if (!isObject(items)) return maxItems === 0 ? 'readonly []' : 'readonly JsonValue[]';
  return `readonly (${typeOf(items)})[]`;
}

const plainTypes: Readonly<Record<string, string>> = {
  object: 'JsonObject',
  array: 'readonly JsonValue[]',
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

function literal(value: Json): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function typeName(name: string): string {
  return name
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}

function propertiesOf({ properties }: JsonObject): Record<string, JsonObject> {
  return Object.fromEntries(membersOf(properties));
}

function membersOf(value: Json | undefined): [string, JsonObject][] {
  return Object.entries(isObject(value) ? value : {}).filter((entry): entry is [string, JsonObject] =>
    isObject(entry[1]),
  );
}

function requiredOf({ required }: JsonObject): string[] {
  return Array.isArray(required) ? required.map(String) : [];
}
