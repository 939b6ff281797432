import type { ChannelModel, ConfirmChannel, Message } from 'amqplib';
import { unlessAborted } from '../../common/async/abort.ts';
import { within } from '../../common/async/deadlines.ts';
import { reasonOf } from '../../common/errors.ts';
import { dial } from '../../common/net/amqp-dial.ts';
import { cutOff, frameReaderOf, sendTogether } from '../../common/net/amqplib.ts';
import { type AmqpSinkOptions, kazooExchanges } from './options.ts';

/** What the broker said of one message. */
export type Confirm = 'taken' | 'refused' | 'unroutable';

export interface Outgoing {
  readonly id: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly contentType: string;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly type: string;
}

/** Milliseconds for the broker's answer to our goodbye. */
const closeWithin = 2_000;

/** A channel with confirms, on a connection of its own. Whatever fails of it, it is over. */
export class Connection {
  readonly #model: ChannelModel;
  readonly #channel: ConfirmChannel;
  readonly #options: AmqpSinkOptions;
  /** Ids of messages that came back, because no queue wanted them: each before its confirm. */
  readonly #returned = new Set<string>();
  /** Ends the wait of the batch under way. A promise for all batches would keep something of each as long as it lives. */
  #giveUp: (error: Error) => void = () => undefined;
  #blocked: Error | undefined;
  #failure: Error | undefined;

  /** @throws Error that says why the broker can't be reached, or must not be published to; the signal's reason */
  static async open(options: AmqpSinkOptions, signal: AbortSignal): Promise<Connection> {
    const { url, tls, connectTimeout } = options;
    const dialing = dial(url, { tls, connectTimeout, name: 'kazoo-relay sink' });
    const model = await unlessAborted(dialing, signal, giveUp);
    model.on('error', () => undefined);
    const answer = <T>(promise: Promise<T>) => unlessAborted(within(connectTimeout, 'the broker', promise), signal);
    try {
      await answer(mustNotBeKazoo(model));
      const channel = await answer(openChannel(model, options.exchange));
      sendTogether(frameReaderOf(model));
      return new Connection(model, channel, options);
    } catch (error) {
      giveUp(model, error);
      throw error;
    }
  }

  private constructor(model: ChannelModel, channel: ConfirmChannel, options: AmqpSinkOptions) {
    this.#model = model;
    this.#channel = channel;
    this.#options = options;
    model.on('error', (error) => this.fail(error));
    model.on('close', (error) => this.fail(error ?? new Error('the broker closed the connection')));
    model.on('blocked', (reason: string) => {
      this.#blocked = new Error(`the broker takes no messages: ${reason}`);
      this.#giveUp(this.#blocked);
    });
    model.on('unblocked', () => {
      this.#blocked = undefined;
    });
    channel.on('error', (error) => this.fail(error));
    channel.on('close', () => this.fail(new Error('the broker closed the channel')));
    channel.on('return', ({ properties }: Message) => this.#returned.add(String(properties.messageId)));
  }

  /**
   * Why the broker takes nothing for now. The connection stays open then: of a new one, the broker takes a message before
   * it says that it is blocked, and would have that one again and again.
   */
  get blocked(): Error | undefined {
    return this.#blocked;
  }

  /** Why nothing can be sent on it any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Resolves when the broker has said something of each.
   * @param confirmed is told what, at once
   * @throws Error when the connection ends, or the broker is blocked, before it has
   */
  async publish(
    messages: readonly Outgoing[],
    confirmed: (message: Outgoing, confirm: Confirm) => void,
  ): Promise<void> {
    const failure = this.#failure ?? this.#blocked;
    if (failure !== undefined) throw failure;
    const { exchange, mandatory, persistent } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Nobody waits any more where amqplib refuses a message.
    promise.catch(() => undefined);
    this.#giveUp = reject;
    let unconfirmed = messages.length;
    if (unconfirmed === 0) resolve();
    for (const message of messages) {
      const { id, routingKey, body, ...properties } = message;
      const settings = { ...properties, messageId: id, appId: 'kazoo-relay', persistent, mandatory };
      const name = exchange === defaultExchange ? '' : exchange;
      this.#channel.publish(name, routingKey, body, settings, (error) => {
        // Any other error is the end of the channel, which says nothing of this one.
        if (error && reasonOf(error) !== 'message nacked') return;
        const isReturned = this.#returned.delete(id);
        confirmed(message, error ? 'refused' : isReturned ? 'unroutable' : 'taken');
        unconfirmed -= 1;
        if (unconfirmed === 0) resolve();
      });
    }
    await promise;
  }

  /** Ends it at once, without a word to the broker. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#giveUp(error);
    cutOff(frameReaderOf(this.#model), error);
  }

  async close(): Promise<void> {
    if (this.#failure === undefined)
      await within(closeWithin, 'the broker', this.#model.close()).catch(() => undefined);
    this.fail(new Error('closed'));
  }
}

const defaultExchange = 'amq.default';

function giveUp(model: ChannelModel, cause?: unknown): void {
  model.on('error', () => undefined);
  cutOff(frameReaderOf(model), new Error('given up', { cause }));
}

async function openChannel(model: ChannelModel, exchange: string): Promise<ConfirmChannel> {
  const channel = await model.createConfirmChannel();
  channel.on('error', () => undefined);
  if (exchange !== defaultExchange) await channel.checkExchange(exchange);
  return channel;
}

/** Queues that KAZOO's applications declare wherever they run. */
const kazooQueues = ['teletype_shared_listener', 'notify_listener', 'webhooks_shared_listener', 'callflow_listener'];

/**
 * Looks for what KAZOO declares on its brokers. Looking declares nothing.
 * @throws Error where it is there
 */
async function mustNotBeKazoo(model: ChannelModel): Promise<void> {
  const exchanges = await Promise.all(
    kazooExchanges.map((name) => exists(model, (channel) => channel.checkExchange(name))),
  );
  const queues = await Promise.all(kazooQueues.map((name) => exists(model, (channel) => channel.checkQueue(name))));
  const queue = kazooQueues.find((_, index) => queues[index]);
  const what =
    queue !== undefined
      ? `the queue ${queue}`
      : exchanges.every(Boolean)
        ? `the exchanges ${kazooExchanges.join(' and ')}`
        : undefined;
  if (what === undefined) return;
  throw new Error(
    `this is a broker of KAZOO: it has ${what}. What is published there can disturb the phone system: use a RabbitMQ ` +
      'of your own',
  );
}

/** On a channel of its own, because a refusal closes it. */
async function exists(
  model: ChannelModel,
  look: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => PromiseLike<unknown>,
): Promise<boolean> {
  const channel = await model.createChannel();
  // The refusal reaches us through `look`.
  channel.on('error', () => undefined);
  try {
    await look(channel);
  } catch (error) {
    // 405 is a queue that is there, and another connection's alone; 403 one that this user may not see.
    return Error.isError(error) && 'code' in error && error.code === 405;
  }
  await channel.close();
  return true;
}
