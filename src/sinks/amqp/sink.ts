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
    const outcomes = new Map(messages.filter((message) => !fits(message)).map((message) => [message, tooLong]));
    const unfit = outcomes.size;
    let lost: Outcome = tooLong;
    try {
      await this.#publishAll(messages, outcomes, signal);
    } catch (failure) {
      if (!(failure instanceof SinkUnavailable) || outcomes.size === unfit) throw failure;
      lost = { status: 'retry', reason: failure.message, away: true };
    }
    return messages.map((message) => outcomes.get(message) ?? lost);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sink is closed'));
    await this.#connection?.close();
  }

  async #publishAll(
    messages: readonly Outgoing[],
    outcomes: Map<Outgoing, Outcome>,
    signal: AbortSignal,
  ): Promise<void> {
    const rest = () => messages.filter((message) => !outcomes.has(message));
    try {
      await this.#publish(rest(), outcomes, signal);
    } catch (error) {
      if (!blamesOne(error)) throw error;
      // Which of them, the broker doesn't say.
      for (const message of rest()) await this.#publishAlone(message, outcomes, signal);
    }
  }

  async #publishAlone(message: Outgoing, outcomes: Map<Outgoing, Outcome>, signal: AbortSignal): Promise<void> {
    try {
      await this.#publish([message], outcomes, signal);
    } catch (error) {
      if (!blamesOne(error)) throw error;
      const { message: reason, code } = error;
      outcomes.set(message, { status: code === preconditionFailed ? 'dead' : 'retry', reason, code });
    }
  }

  /** @throws SinkUnavailable; the signal's reason */
  async #publish(messages: readonly Outgoing[], outcomes: Map<Outgoing, Outcome>, signal: AbortSignal): Promise<void> {
    if (messages.length === 0) return;
    const confirmed = (message: Outgoing, confirm: Confirm) => outcomes.set(message, this.#outcomeOf(message, confirm));
    try {
      if (this.#connection?.failure !== undefined) this.#connection = undefined;
      this.#connection ??= await connected(this.#options, AbortSignal.any([signal, this.#closing.signal]));
      // It may have opened while the sink closed.
      this.#closing.signal.throwIfAborted();
      await unlessAborted(this.#connection.publish(messages, confirmed), signal);
    } catch (cause) {
      if (cause !== this.#connection?.blocked) this.#connection?.fail(new Error('given up', { cause }));
      signal.throwIfAborted();
      throw cause instanceof SinkUnavailable ? cause : unavailable(this.#options, cause);
    }
  }

  #outcomeOf({ routingKey }: Outgoing, confirm: Confirm): Outcome {
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

const [preconditionFailed, accessRefused] = [406, 403];

/** Whether the broker has closed the channel for what one message is: its size, or a topic that this user may not write. */
function blamesOne(error: unknown): error is SinkUnavailable & { readonly code: number } {
  if (!(error instanceof SinkUnavailable)) return false;
  return error.code === preconditionFailed || (error.code === accessRefused && /access to topic/.test(error.message));
}

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
