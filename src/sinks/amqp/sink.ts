import { unlessAborted } from '../../common/async/abort.ts';
import { codeOf, reasonOf } from '../../common/errors.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { cloudEvent } from '../cloudevents.ts';
import { delivered, type Outcome, type Sink, type SinkKind, SinkUnavailable } from '../sink.ts';
import { type Confirm, Connection, type Outgoing } from './connection.ts';
import { type AmqpSinkOptions, amqpDeclaration } from './options.ts';
import { routingKeyOf } from './routing-key.ts';

/** Messages to an exchange of a RabbitMQ that isn't KAZOO's. */
export const amqpSink: SinkKind<AmqpSinkOptions> = {
  ...amqpDeclaration,

  async connectionTest(options) {
    const connection = await connected(options, new AbortController().signal);
    await connection.close();
    return `${hostOf(options)} has the exchange ${options.exchange}; nothing was published`;
  },

  async open(options) {
    return new AmqpSink(options);
  },
};

class AmqpSink implements Sink {
  readonly #options: AmqpSinkOptions;
  readonly #closing = new AbortController();
  #connection: Connection | undefined;

  constructor(options: AmqpSinkOptions) {
    this.#options = options;
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const messages = batch.map((delivery) => messageOf(delivery, this.#options));
    const fitting = messages.filter(fits);
    const confirms: (Confirm | undefined)[] = [];
    let reason = '';
    try {
      if (fitting.length > 0) await this.#publish(fitting, confirms, signal);
    } catch (cause) {
      if (cause !== this.#connection?.blocked) this.#connection?.fail(new Error('given up', { cause }));
      signal.throwIfAborted();
      const failure = cause instanceof SinkUnavailable ? cause : unavailable(this.#options, cause);
      if (confirms.every((confirm) => confirm === undefined)) throw failure;
      reason = failure.message;
    }
    const said = confirms.values();
    return messages.map((message) => (fits(message) ? this.#outcomeOf(message, said.next().value, reason) : tooLong));
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sink is closed'));
    await this.#connection?.close();
  }

  async #publish(messages: readonly Outgoing[], confirms: (Confirm | undefined)[], signal: AbortSignal): Promise<void> {
    if (this.#connection?.failure !== undefined) this.#connection = undefined;
    this.#connection ??= await connected(this.#options, AbortSignal.any([signal, this.#closing.signal]));
    // It may have opened while the sink closed.
    this.#closing.signal.throwIfAborted();
    await unlessAborted(this.#connection.publish(messages, confirms), signal);
  }

  #outcomeOf({ routingKey }: Outgoing, confirm: Confirm | undefined, failure: string): Outcome {
    const { exchange } = this.#options;
    switch (confirm) {
      case 'taken':
        return delivered;
      case 'unroutable':
        return {
          status: 'retry',
          reason: `the exchange ${exchange} leads to no queue for the routing key ${routingKey}: bind one, or set mandatory: false`,
        };
      case 'refused':
        return {
          status: 'retry',
          reason: 'the broker has refused it (nack): a queue is full, or has failed',
          away: true,
        };
      case undefined:
        return { status: 'retry', reason: failure, away: true };
    }
  }
}

function messageOf({ envelope, header, json }: Delivery, { routingKey, format }: AmqpSinkOptions): Outgoing {
  const isCloudEvent = format === 'cloudevents';
  return {
    id: header.id,
    routingKey: routingKeyOf(routingKey, envelope),
    body: Buffer.from(isCloudEvent ? JSON.stringify(cloudEvent(envelope)) : json),
    contentType: isCloudEvent ? 'application/cloudevents+json; charset=utf-8' : 'application/json',
    timestamp: Math.floor(header.occurredAt / 1_000),
    type: envelope.event ?? 'unknown',
  };
}

function fits({ routingKey, type }: Outgoing): boolean {
  return Buffer.byteLength(routingKey) <= 255 && Buffer.byteLength(type) <= 255;
}

const tooLong: Outcome = {
  status: 'dead',
  reason: 'its routing key or its event has more than the 255 bytes that AMQP allows',
};

/** @throws SinkUnavailable */
async function connected(options: AmqpSinkOptions, signal: AbortSignal): Promise<Connection> {
  try {
    return await Connection.open(options, signal);
  } catch (cause) {
    throw unavailable(options, cause);
  }
}

function unavailable(options: AmqpSinkOptions, cause: unknown): SinkUnavailable {
  return new SinkUnavailable(`${hostOf(options)}: ${reasonOf(cause)}`, { cause, code: replyCodeOf(cause) });
}

/** AMQP's reply code, or one of the system. */
function replyCodeOf(error: unknown): number | string | undefined {
  return Error.isError(error) && 'code' in error && typeof error.code === 'number' ? error.code : codeOf(error);
}

/** Without user and password. */
function hostOf({ url }: AmqpSinkOptions): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
