import type { TlsFiles } from '../../common/net/tls.ts';
import type { OptionTree } from '../../common/options/declare.ts';
import { certificateWithKey, tlsOnlyWith, tlsOptions } from '../../common/options/tls-options.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { isPlaceholder, type PlaceholderName, placeholdersIn, unknownPlaceholder } from '../placeholders.ts';
import type { SinkDeclaration } from '../sink.ts';
import { revealedBy, unencrypted } from '../unencrypted.ts';
import { routingKeyOf } from './routing-key.ts';

export interface AmqpSinkOptions {
  readonly url: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly format: 'envelope' | 'cloudevents';
  readonly mandatory: boolean;
  readonly persistent: boolean;
  readonly connectTimeout: number;
  readonly batch: { readonly max: number; readonly linger: number };
  readonly tls: TlsFiles;
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
  tls: tlsOptions('broker'),
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
        .filter((name) => !isPlaceholder(name))
        .map((name) => ({ path: ['routingKey'], message: unknownPlaceholder(name) })),
    certificateWithKey,
    tlsOnlyWith('amqps'),
  ],
  schemaRules: [{ properties: { exchange: { not: { enum: ['notifications', 'targeted'] } } } }],
  requiredKeys({ routingKey, format }) {
    const named = placeholdersIn(routingKey).filter(isPlaceholder);
    const keys = named.filter((name): name is Exclude<PlaceholderName, 'id'> => name !== 'id');
    return format === 'cloudevents' ? [...keys, 'event', 'zone', 'occurred_at'] : keys;
  },
  warnings({ url }, { reveal }) {
    const { protocol, hostname, password } = new URL(url);
    const secrets = [...(password === '' ? [] : ['the password']), ...revealedBy(reveal)];
    return protocol === 'amqp:' ? unencrypted(['url'], hostname, secrets) : [];
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
