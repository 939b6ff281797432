import type { OptionTree } from '../../common/options/declare.ts';
import type { Delivery, EnvelopeKey } from '../../notification/envelope.ts';
import type { SinkDeclaration } from '../sink.ts';
import { type Name, names, placeholdersIn, routingKeyOf } from './routing-key.ts';

export interface AmqpSinkOptions {
  readonly url: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly format: 'envelope' | 'cloudevents';
  readonly mandatory: boolean;
  readonly persistent: boolean;
  readonly connectTimeout: number;
  readonly batch: { readonly max: number; readonly linger: number };
  readonly tls: {
    readonly ca: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
    readonly serverName: string | undefined;
  };
}

const options: OptionTree = {
  url: {
    doc: 'amqp:// or amqps:// with user, password, host and virtual host of a RabbitMQ of your own: never of a KAZOO zone.',
    format: 'amqp url',
    default: null,
    sensitive: true,
  },
  exchange: {
    doc: 'Exchange to publish to, which must exist; amq.default is the one that leads to the queue of the routing key’s name.',
    format: 'text',
    default: null,
  },
  routingKey: {
    doc: 'Routing key; it may contain {account_id}, {event}, {category}, {zone} and {id}.',
    format: 'text',
    default: 'kazoo.{category}.{event}',
  },
  format: {
    doc: 'What a message holds: the envelope, or a CloudEvent in structured mode.',
    format: ['envelope', 'cloudevents'],
    default: 'envelope',
  },
  mandatory: {
    doc: 'true: a message that reaches no queue has failed, and is tried again. false: the broker drops it.',
    format: Boolean,
    default: true,
  },
  persistent: { doc: 'true: the broker keeps messages on disk, in durable queues.', format: Boolean, default: true },
  connectTimeout: {
    doc: 'Time limit for opening a connection; if the host has several addresses, each has a third of it.',
    format: 'positive duration',
    default: 10_000,
  },
  batch: {
    max: { doc: 'Maximum number of messages without a confirm.', format: 'positive number', default: 500 },
    linger: { doc: 'Maximum time that a notification waits for others.', format: 'duration', default: 0 },
  },
  tls: {
    ca: {
      doc: 'File with the CAs to trust (PEM); it replaces Node’s built-in ones. The system’s are not used.',
      format: 'path',
      default: undefined,
    },
    cert: { doc: 'File with the client certificate (PEM).', format: 'path', default: undefined },
    key: { doc: 'File with its key (PEM).', format: 'path', default: undefined },
    serverName: {
      doc: 'Name that the broker’s certificate must have, if it isn’t the host of the url.',
      format: 'text',
      default: undefined,
    },
  },
};

export const amqpDeclaration: SinkDeclaration<AmqpSinkOptions> = {
  type: 'amqp',
  summary: 'a message for each notification, published to a RabbitMQ of your own',
  options,
  isLocal: () => false,
  limits: ({ batch }) => ({ batch, concurrency: 1 }),
  rules: [
    ({ exchange }) =>
      kazooExchanges.includes(exchange)
        ? [{ path: ['exchange'], message: 'is an exchange of KAZOO: publishing there disturbs the phone system' }]
        : [],
    ({ routingKey }) =>
      placeholdersIn(routingKey)
        .filter((name) => !names.includes(name as Name))
        .map((name) => ({
          path: ['routingKey'],
          message: `has a placeholder {${name}}; there are ${names.map((each) => `{${each}}`).join(', ')}`,
        })),
    ({ tls: { cert, key } }) =>
      (cert === undefined) === (key === undefined)
        ? []
        : [{ path: ['tls', cert === undefined ? 'key' : 'cert'], message: 'needs both tls.cert and tls.key' }],
    ({ url, tls }) =>
      /^\s*amqps:/i.test(url)
        ? []
        : Object.entries(tls).flatMap(([name, value]) =>
            value === undefined
              ? []
              : [{ path: ['tls', name], message: 'is only for a url that begins with amqps://' }],
          ),
  ],
  schemaRules: [{ properties: { exchange: { not: { enum: ['notifications', 'targeted'] } } } }],
  requiredKeys({ routingKey, format }) {
    const named = placeholdersIn(routingKey).filter(
      (name): name is Exclude<Name, 'id'> => name !== 'id',
    ) as EnvelopeKey[];
    return format === 'cloudevents' ? [...named, 'event', 'zone', 'occurred_at'] : named;
  },
  rehearse({ routingKey }) {
    return (delivery: Delivery) => {
      const { length } = Buffer.from(routingKeyOf(routingKey, delivery.envelope));
      return length > 255 ? { path: ['routingKey'], message: `has ${length} bytes, and AMQP allows 255` } : undefined;
    };
  },
};

/** Those by which a KAZOO broker is known: where notifications come from, and where KAZOO awaits answers to them. */
export const kazooExchanges: readonly string[] = ['notifications', 'targeted'];
