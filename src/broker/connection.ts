import type { Channel, ChannelModel } from 'amqplib';
import { within } from '../common/async/deadlines.ts';
import { type DialOptions, dial } from '../common/net/amqp-dial.ts';
import { cutOff, type FrameReader, frameReaderOf, readOn } from '../common/net/amqplib.ts';
import { type Recipient, receive } from './receiver.ts';

export interface ConnectionOptions extends DialOptions {
  /** `amqp:` or `amqps:`. */
  readonly url: string;
  readonly heartbeat: number;
  readonly name: string;
}

/**
 * One AMQP connection from its opening to its end, whatever ends it: the first failure of any part is the failure of
 * all.
 */
export class Connection {
  readonly #model: ChannelModel;
  readonly #reader: FrameReader;
  readonly #ended = Promise.withResolvers<never>();
  #alive = true;
  #closing = false;

  constructor(model: ChannelModel) {
    this.#model = model;
    this.#reader = frameReaderOf(model);
    this.#ended.promise.catch(() => undefined);
    model.on('error', (error) => this.fail(error));
    model.on('close', (error) => this.fail(error ?? new Error('the broker closed the connection')));
  }

  /** True while something may still be sent on it. */
  get alive(): boolean {
    return this.#alive && !this.#closing;
  }

  /** Rejects with the reason when the connection has ended. */
  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  /** RabbitMQ's version, such as `3.10.8`. */
  get serverVersion(): string {
    return String(this.#model.connection.serverProperties.version);
  }

  /** Opens a channel whose failure ends the connection. */
  async openChannel(): Promise<Channel> {
    const channel = await this.#model.createChannel();
    channel.on('error', (error) => this.fail(error));
    channel.on('close', () => this.fail(new Error('the broker closed the channel')));
    return channel;
  }

  /**
   * From now on all messages that are delivered go to this recipient, and none to amqplib's consumers. There may be one
   * consumer: the delivery tags of several channels would be mixed.
   */
  receive(recipient: Recipient): void {
    receive(this.#reader, recipient);
  }

  /** The recipient has room again. */
  readOn(): void {
    if (this.#alive) readOn(this.#reader);
  }

  /**
   * Does something that the broker may refuse, on a channel of its own, because a refusal closes the channel.
   * @throws what the broker answered; its `code` is the AMQP reply code
   */
  async attempt<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#model.createChannel();
    // The refusal reaches us through `work`; without a listener the same error would be thrown a second time.
    channel.on('error', () => undefined);
    const result = await work(channel);
    await channel.close();
    return result;
  }

  /** Ends the connection at once, without a word to the broker: it may be one that no longer answers. */
  fail(reason: Error): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#ended.reject(reason);
    cutOff(this.#reader, reason);
  }

  /** Says goodbye, and doesn't wait any longer than that for the answer. */
  async close(milliseconds: number): Promise<void> {
    if (!this.#alive) return;
    this.#closing = true;
    await within(milliseconds, 'the broker', Promise.race([this.#model.close(), this.ended])).catch(() => undefined);
    this.fail(new Error('closed'));
  }
}

/** @throws as `dial` */
export async function connect({ url, ...options }: ConnectionOptions): Promise<Connection> {
  return new Connection(await dial(url, options));
}
