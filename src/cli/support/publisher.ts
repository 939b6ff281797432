import { once } from 'node:events';
import type { ChannelModel, Options, Replies } from 'amqplib';
import { exchange } from '../../broker/topology.ts';
import { within } from '../../common/async/deadlines.ts';
import { reasonOf } from '../../common/errors.ts';
import { dial } from '../../common/net/amqp-dial.ts';
import { cutOff, frameReaderOf, leaveOutHeaders } from '../../common/net/amqplib.ts';
import type { TlsFiles } from '../../common/net/tls.ts';
import { toAmqpTimestamp } from '../../kazoo/time.ts';

/** A message as KAZOO publishes it. */
export interface Message {
  readonly routingKey: string;
  readonly body: Buffer;
  /** Unix milliseconds; it goes out as KAZOO writes it, in microseconds since year 0. */
  readonly time: number;
  readonly contentEncoding?: 'gzip';
}

export interface Publisher {
  /**
   * Sends a message; resolves when there is room for the next one.
   * @throws PublishError when the connection has ended
   */
  send(message: Message): Promise<void>;
  /**
   * Resolves when the broker has taken everything that was sent.
   * @throws PublishError when it refuses some, or says nothing for 30 seconds
   */
  confirmed(): Promise<void>;
  /** True when the broker has a queue of that name. */
  hasQueue(queue: string): Promise<boolean>;
  /** True when somebody consumes from the queue. */
  hasConsumer(queue: string): Promise<boolean>;
  /** Closes the connection; waits 2 seconds at most for the broker's answer. */
  close(): Promise<void>;
}

/** Milliseconds. */
const connectWithin = 10_000;
const confirmWithin = 30_000;
const openWithin = 10_000;
const closeWithin = 2_000;

/** The broker can't be reached, or doesn't take what is published; the message says which broker and why. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
}

/**
 * Connects to a broker and declares KAZOO's exchange as KAZOO does, so that a broker without KAZOO has it too.
 * @throws PublishError
 */
export async function connectPublisher(url: string, tls?: TlsFiles): Promise<Publisher> {
  const parsed = new URL(url);
  const work = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      return await promise;
    } catch (cause) {
      throw new PublishError(`can't publish to the broker ${parsed.host}: ${reasonOf(cause)}`, { cause });
    }
  };
  const model = await work(dial(url, { tls, connectTimeout: connectWithin }));
  const publisher = await work(openPublisher(model));
  return {
    ...publisher,
    send: (message) => work(publisher.send(message)),
    confirmed: () => work(publisher.confirmed()),
  };
}

async function openPublisher(model: ChannelModel): Promise<Publisher> {
  const reader = frameReaderOf(model);
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  model.on('error', ended.reject);
  model.on('close', () => ended.reject(new Error('it closed the connection')));
  const close = async () => {
    await within(closeWithin, 'it', model.close()).catch(() => undefined);
    // A broker that is out of memory reads nothing from publishers, not even a request to close.
    cutOff(reader);
  };
  const open = async () => {
    const channel = await model.createConfirmChannel();
    channel.on('error', ended.reject);
    await channel.assertExchange(exchange, 'topic', { durable: false, autoDelete: false });
    return channel;
  };
  const channel = await within(openWithin, 'it', Promise.race([open(), ended.promise])).catch(async (error) => {
    await close();
    throw error;
  });
  leaveOutHeaders(channel);

  return {
    async send({ routingKey, body, time, contentEncoding }) {
      const properties: Options.Publish = {
        contentType: 'application/json',
        // A number this large is exact only as a multiple of eight, which every multiple of a thousand is.
        timestamp: toAmqpTimestamp(time),
        ...(contentEncoding && { contentEncoding }),
      };
      const hasRoom = channel.publish(exchange, routingKey, body, properties);
      if (!hasRoom) await within(confirmWithin, 'it', Promise.race([once(channel, 'drain'), ended.promise]));
    },
    async confirmed() {
      await within(confirmWithin, 'it', Promise.race([channel.waitForConfirms(), ended.promise]));
    },
    hasQueue: async (queue) => (await lookAt(model, queue)) !== undefined,
    hasConsumer: async (queue) => ((await lookAt(model, queue))?.consumerCount ?? 0) > 0,
    close,
  };
}

async function lookAt(model: ChannelModel, queue: string): Promise<Replies.AssertQueue | undefined> {
  // On a channel of its own: asking for a queue that isn't there closes it.
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    const found = await channel.checkQueue(queue);
    await channel.close();
    return found;
  } catch {
    return undefined;
  }
}
