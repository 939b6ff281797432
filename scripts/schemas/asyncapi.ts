import { bindingKey, exchange } from '../../src/broker/topology.ts';
import { isObject, type Json, type JsonObject } from '../../src/common/json.ts';
import { isOption } from '../../src/common/options/declare.ts';
import { commonFields, exampleRoutingKey } from '../../src/kazoo/catalogue.ts';
import type { EventDefinition } from '../../src/kazoo/event.ts';
import { relayCategory } from '../../src/kazoo/relay-events.ts';
import { schemaOf, unknownEvent, unknownSchema } from '../../src/schema/generate.ts';
import { amqpDeclaration } from '../../src/sinks/amqp/options.ts';
import { allEvents, envelopeSchema } from './envelope.ts';

/** What the daemon takes from KAZOO, and what it sends to a webhook and to another broker, as an AsyncAPI 3 document. */
export function asyncApi(version: string): JsonObject {
  const published = allEvents.filter(({ category }) => category !== relayCategory);
  const delivered = Object.fromEntries(
    [...allEvents.map(({ name }) => name), unknownEvent].map((name) => [name, ref('components', 'messages', name)]),
  );
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'kazoo-relay',
      version,
      description:
        'Takes every notification that a 2600Hz KAZOO phone system publishes on RabbitMQ, and delivers it to webhooks and brokers.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      kazoo: { host: 'rabbitmq.example.com:5672', protocol: 'amqp', description: 'The RabbitMQ of a KAZOO zone.' },
      receiver: {
        ...{ host: 'receiver.example.com', protocol: 'https', description: 'Where `url` of a webhook sink leads.' },
        security: ['signature', 'basic', 'bearer', 'oauth2'].map((name) => ref('components', 'securitySchemes', name)),
      },
      bus: {
        ...{ host: 'bus.example.com:5671', protocol: 'amqps', description: 'Where `url` of an amqp sink leads.' },
        security: [ref('components', 'securitySchemes', 'login')],
      },
    },
    channels: {
      notifications: {
        address: bindingKey,
        title: 'KAZOO’s notifications',
        description:
          'A topic exchange, not durable, that KAZOO publishes every notification to. The message names its routing key.',
        servers: [ref('servers', 'kazoo')],
        messages: Object.fromEntries(
          published.map(({ name }) => [name, ref('components', 'messages', `${name}_published`)]),
        ),
        bindings: {
          amqp: {
            ...{ is: 'routingKey', bindingVersion: '0.3.0' },
            exchange: { name: exchange, type: 'topic', durable: false, autoDelete: false },
          },
        },
      },
      webhook: {
        address: '/',
        title: 'A webhook',
        description: 'A request for each notification of a route, with `batch.max` above 1 an array of envelopes.',
        servers: [ref('servers', 'receiver')],
        messages: delivered,
      },
      bus: {
        address: String(isOption(routingKey) ? routingKey.default : ''),
        title: 'A broker of somebody’s own',
        description:
          'An exchange that an amqp sink names, here phone-events; the address is the default of its `routingKey`.',
        servers: [ref('servers', 'bus')],
        parameters: {
          category: { description: 'the event’s category' },
          event: { description: 'the event’s name' },
        },
        messages: delivered,
        bindings: {
          amqp: { is: 'routingKey', exchange: { name: 'phone-events', type: 'topic' }, bindingVersion: '0.3.0' },
        },
      },
    },
    operations: {
      takeNotifications: {
        ...{
          action: 'receive',
          channel: ref('channels', 'notifications'),
          summary: 'Takes and journals it, then acknowledges.',
        },
        bindings: { amqp: { ack: true, bindingVersion: '0.3.0' } },
      },
      deliverToWebhook: {
        ...{ action: 'send', channel: ref('channels', 'webhook'), summary: 'Sends it until the receiver answers 2xx.' },
        bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
      },
      deliverToBus: {
        ...{ action: 'send', channel: ref('channels', 'bus'), summary: 'Publishes it until the broker confirms it.' },
        bindings: { amqp: { deliveryMode: 2, mandatory: true, bindingVersion: '0.3.0' } },
      },
    },
    components: {
      messages: Object.fromEntries([
        ...published.map((event) => [`${event.name}_published`, publishedMessage(event)]),
        ...allEvents.map(({ name, title, summary }) => [name, deliveredMessage(name, title, `${summary}.`)]),
        [unknownEvent, deliveredMessage(unknownEvent, 'Unknown event', 'An event that the catalogue doesn’t have.')],
      ]),
      schemas: schemas(published),
      securitySchemes,
    },
  };
}

/** The default, which a route may change. */
const { routingKey = {} } = amqpDeclaration.options;

/** What a sink may be configured to identify itself by. */
const securitySchemes = {
  signature: {
    ...{ type: 'httpApiKey', name: 'webhook-signature', in: 'header' },
    description:
      'Standard Webhooks: `v1,` and the Base64 of an HMAC-SHA256 of `webhook-id`, `webhook-timestamp` and the body, joined by dots; one for each of `signature.secrets`, a space between them.',
  },
  basic: { type: 'http', scheme: 'basic', description: '`auth.basic`' },
  bearer: { type: 'http', scheme: 'bearer', description: '`auth.bearer`' },
  oauth2: {
    ...{ type: 'oauth2', description: '`auth.oauth2`' },
    flows: { clientCredentials: { tokenUrl: 'https://login.example.com/oauth2/token', availableScopes: {} } },
  },
  login: { type: 'userPassword', description: 'User and password of the amqp sink’s `url`.' },
} satisfies Readonly<Record<string, JsonObject>>;

const headers: JsonObject = {
  type: 'object',
  properties: {
    'webhook-id': { description: 'the `id` of the notification, the same at each attempt', type: 'string' },
    'webhook-timestamp': { description: 'when it is sent, in Unix seconds', type: 'string' },
    'webhook-signature': { description: 'where `signature.secrets` are configured', type: 'string' },
  },
  required: ['webhook-id', 'webhook-timestamp'],
};

function publishedMessage(event: EventDefinition): JsonObject {
  const key = event.routingKey === null ? 'which is not known' : `${event.routingKey}`;
  return {
    ...{ name: event.name, title: event.title, contentType: 'application/json' },
    summary: `${event.summary}. Routing key: ${key}.`,
    payload: ref('components', 'schemas', `${event.name}_published`),
    examples: [{ name: exampleRoutingKey(event), payload: event.example }],
  };
}

function deliveredMessage(name: string, title: string, summary: string): JsonObject {
  return {
    ...{ name, title, summary, contentType: 'application/json' },
    bindings: {
      http: { headers, bindingVersion: '0.3.0' },
      amqp: { messageType: name, bindingVersion: '0.3.0' },
    },
    payload: {
      allOf: [
        ref('components', 'schemas', 'envelope'),
        {
          type: 'object',
          properties: {
            data: ref('components', 'schemas', name),
            ...(name === unknownEvent ? {} : { event: { type: 'string', const: name } }),
          },
        },
      ],
    },
  };
}

/** Those of components: each shape that events share once, as a definition of its own. */
function schemas(published: readonly EventDefinition[]): JsonObject {
  const bodies = [
    ...allEvents.map((event) => [event.name, schemaOf(event)] as const),
    [unknownEvent, unknownSchema()] as const,
  ];
  const shapes = bodies.flatMap(([, { $defs }]) => Object.entries(isObject($defs) ? $defs : {}));
  return {
    ...Object.fromEntries(shapes),
    envelope: withoutIdentity(envelopeSchema()),
    ...Object.fromEntries(bodies.map(([name, schema]) => [name, withoutIdentity(schema)])),
    ...Object.fromEntries(published.map((event) => [`${event.name}_published`, onTheWire(event)])),
  };
}

/** References are of this document, and AsyncAPI names the dialect. */
function withoutIdentity({ $schema, $id, $defs, ...schema }: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')); // as it was
}

/** The body with the keys that KAZOO writes: normalising changes them, and what `data` has of it is its schema. */
function onTheWire(event: EventDefinition): JsonObject {
  const { properties, required, examples, ...rest } = withoutIdentity(schemaOf(event));
  const wires = new Map([...commonFields, ...event.fields].map(({ name, wire }) => [name, wire]));
  const wireOf = (name: string) => wires.get(name) ?? name;
  return {
    ...rest,
    properties: Object.fromEntries(
      Object.entries(isObject(properties) ? properties : {}).map(([name, one]) => [wireOf(name), one]),
    ),
    required: (Array.isArray(required) ? required : []).map((name: Json) => wireOf(String(name))),
    examples: [event.example],
  };
}

function ref(...path: string[]): JsonObject {
  return { $ref: `#/${path.join('/')}` };
}
