import type { JsonObject } from '../../src/common/json.ts';
import { events, schemaId } from '../../src/kazoo/catalogue.ts';
import type { EventDefinition } from '../../src/kazoo/event.ts';
import { relayCategory, relayEvents } from '../../src/kazoo/relay-events.ts';
import { type Envelope, envelopeKeys } from '../../src/notification/envelope.ts';
import { dialect, schemaOf, unknownEvent, unknownSchema } from '../../src/schema/generate.ts';

export const allEvents: readonly EventDefinition[] = [...events, ...relayEvents];

/** The JSON Schema of what a sink gets, whatever the event. */
export function envelopeSchema(): JsonObject {
  return {
    $schema: dialect,
    $id: schemaId('envelope'),
    title: 'Envelope',
    description: 'What every sink gets of a notification, unless the route’s `shape` omits keys or adds others.',
    type: 'object',
    properties: Object.fromEntries(envelopeKeys.map((key) => [key, properties[key]])),
    required: [...envelopeKeys],
  };
}

const time: JsonObject = { type: 'string', format: 'date-time' };
const textOrNull: JsonObject = { type: ['string', 'null'] };
const categories = [...new Set(allEvents.map(({ category }) => category))].toSorted();

const properties: Readonly<Record<keyof Envelope, JsonObject>> = {
  id: {
    description: 'the same for every retry and replay, so that a receiver can detect duplicates by it',
    ...{ type: 'string', format: 'uuid' },
  },
  event: {
    description: 'the event’s name in the catalogue; otherwise the name that was sent, or null',
    ...textOrNull,
  },
  category: {
    description: `the event’s category in the catalogue; null for an event that the catalogue doesn’t have; ${relayCategory} for the daemon’s own events`,
    ...{ ...textOrNull, enum: [...categories, null] },
  },
  account_id: { description: 'the account, or null', ...textOrNull },
  zone: { description: 'the zone that the configuration names for the broker', type: 'string' },
  node: { description: 'the KAZOO node that published it', ...textOrNull },
  occurred_at: {
    description: 'when it happened: the event’s own time, if it has one, otherwise the time of publishing',
    ...time,
  },
  received_at: { description: 'when kazoo-relay received it', ...time },
  routing_key: { description: 'the routing key that it was published with', type: 'string' },
  valid: { description: 'whether the body fits the schema of its event', type: 'boolean' },
  problems: {
    description: 'what doesn’t fit',
    type: 'array',
    items: {
      type: 'object',
      properties: {
        path: { description: 'a JSON Pointer into `data`', type: 'string' },
        message: { description: 'what is wrong, without a value of the body', type: 'string' },
        keyword: { description: 'the keyword of JSON Schema that failed, or a word of the decoder', type: 'string' },
      },
      required: ['path', 'message', 'keyword'],
    },
  },
  resend_of: { description: 'the `id` of the notification that KAZOO has published again, or null', ...textOrNull },
  data: { description: 'the body with normalised keys, or null where it is no JSON object', type: ['object', 'null'] },
};

/** One document with the schemas of all events and of the envelope, each under its own `$id`: it describes any envelope. */
export function bundle(): JsonObject {
  const schemas = [...allEvents.map(schemaOf), unknownSchema(), envelopeSchema()];
  return {
    $schema: dialect,
    $id: schemaId('bundle'),
    title: 'Envelopes of all events',
    description: 'An envelope whose data fit the schema of its event, where `valid` says so.',
    $ref: schemaId('envelope'),
    oneOf: [
      ...allEvents.map(({ title, name }) => validEnvelope(title, { type: 'string', const: name }, name)),
      validEnvelope('Unknown event', { ...textOrNull, not: { enum: allEvents.map(({ name }) => name) } }, unknownEvent),
      { title: 'Invalid', properties: { valid: { type: 'boolean', const: false } } },
    ],
    $defs: Object.fromEntries(schemas.map((schema) => [nameOf(schema), schema])),
  };
}

function validEnvelope(title: string, event: JsonObject, schema: string): JsonObject {
  return { title, properties: { event, valid: { type: 'boolean', const: true }, data: { $ref: schemaId(schema) } } };
}

function nameOf({ $id }: JsonObject): string {
  return String($id).slice(schemaId('').length);
}
