import { once } from 'node:events';
import amqp, { type ChannelModel, type ConfirmChannel, type Options } from 'amqplib';
import { within } from '../waiting.ts';

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
  /** True when somebody consumes from the queue. */
  hasConsumer(queue: string): Promise<boolean>;
  /** Says goodbye, and doesn't wait long for the answer. */
  close(): Promise<void>;
}

const exchange = 'notifications';

/** Milliseconds. */
const connectWithin = 10_000;
const confirmWithin = 30_000;
const closeWithin = 2_000;

/** Milliseconds from the start of year 0 to 1970. */
const gregorianEpoch = 62_167_219_200_000;

/** The broker can't be reached, or doesn't take what is published; the message says which broker and why. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
}

/**
 * Connects to a broker and declares KAZOO's exchange as KAZOO does, so that a broker without KAZOO has it too.
 * @throws PublishError
 */
export async function connectPublisher(url: string): Promise<Publisher> {
  const { host } = new URL(url);
  const work = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      return await promise;
    } catch (cause) {
      throw new PublishError(`can't publish to the broker ${host}: ${reasonOf(cause)}`, { cause });
    }
  };
  const model = await work(amqp.connect(url, { timeout: connectWithin, noDelay: true }));
  const publisher = await work(openPublisher(model));
  return {
    ...publisher,
    send: (message) => work(publisher.send(message)),
    confirmed: () => work(publisher.confirmed()),
  };
}

async function openPublisher(model: ChannelModel): Promise<Publisher> {
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  model.on('error', ended.reject);
  model.on('close', () => ended.reject(new Error('it closed the connection')));
  const close = () => within(closeWithin, 'it', model.close()).catch(() => undefined);
  const channel = await model.createConfirmChannel();
  channel.on('error', ended.reject);
  try {
    await channel.assertExchange(exchange, 'topic', { durable: false, autoDelete: false });
  } catch (error) {
    await close();
    throw error;
  }
  leaveOutHeaders(channel);

  return {
    async send({ routingKey, body, time, contentEncoding }) {
      const properties: Options.Publish = {
        contentType: 'application/json',
        // A number this large is exact only as a multiple of eight, which every multiple of a thousand is.
        timestamp: (time + gregorianEpoch) * 1000,
        ...(contentEncoding && { contentEncoding }),
      };
      const hasRoom = channel.publish(exchange, routingKey, body, properties);
      if (!hasRoom) await within(confirmWithin, 'it', Promise.race([once(channel, 'drain'), ended.promise]));
    },
    async confirmed() {
      await within(confirmWithin, 'it', Promise.race([channel.waitForConfirms(), ended.promise]));
    },
    hasConsumer: (queue) => hasConsumer(model, queue),
    close,
  };
}

/** The part of amqplib's channel that writes a message; it isn't in its types. */
interface Sender {
  sendMessage(fields: object, properties: object, content: Buffer): boolean;
}

/** KAZOO sends no header table; amqplib would always send one, empty. */
function leaveOutHeaders(channel: ConfirmChannel): void {
  const sender = channel as unknown as Sender; // held to be true by the test that looks at a message's properties
  const sendMessage = sender.sendMessage.bind(channel);
  sender.sendMessage = (fields, properties, content) =>
    sendMessage(fields, { ...properties, headers: undefined }, content);
}

async function hasConsumer(model: ChannelModel, queue: string): Promise<boolean> {
  // On a channel of its own: asking for a queue that isn't there closes it.
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  try {
    const { consumerCount } = await channel.checkQueue(queue);
    await channel.close();
    return consumerCount > 0;
  } catch {
    return false;
  }
}

/** Node's error of a name with several addresses has no message, only a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
