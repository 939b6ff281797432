import amqp, { type Channel, type ChannelModel } from 'amqplib';
import { within } from '../common/async/deadlines.ts';
import { reasonOf } from '../common/errors.ts';
import { addressAttemptTimeout } from '../common/net/addresses.ts';
import { loginOf, parametersOf, vhostOf } from '../common/net/amqp-url.ts';
import { explainTls, readTls, type TlsFiles } from '../common/net/tls.ts';
import { cutOff, type FrameReader, frameReaderOf, readOn } from './amqplib.ts';
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

export interface DialOptions {
  /** For `amqps:`. */
  readonly tls?: TlsFiles | undefined;
  /** Seconds; a peer that is silent for two to three of them is given up. The broker's own where it is left out. */
  readonly heartbeat?: number;
  /** Milliseconds until a connection must be open. */
  readonly connectTimeout: number;
  /** What the broker shows in its list of connections. */
  readonly name?: string;
}

/**
 * Opens a connection of amqplib. What the parameters of the URL say goes before the options, but for those of TLS.
 * @param url `amqp:` or `amqps:`
 * @throws what a file of `tls`, the socket or the broker said; it never names the password
 */
export async function dial(url: string, { tls, name, ...options }: DialOptions): Promise<ChannelModel> {
  const target = new URL(url);
  const given = parametersOf(target);
  const { heartbeat = options.heartbeat, connectTimeout = options.connectTimeout, frameMax, channelMax } = given;
  target.search = '';
  for (const [parameter, value] of Object.entries({ heartbeat, frameMax, channelMax })) {
    if (value !== undefined) target.searchParams.set(parameter, String(value));
  }
  const settings = {
    ...readTls({
      ca: tls?.ca ?? given.ca,
      cert: tls?.cert ?? given.cert,
      key: tls?.key ?? given.key,
      serverName: tls?.serverName ?? given.serverName,
    }),
    // Said in any case: an environment with NODE_TLS_REJECT_UNAUTHORIZED=0 must not leave it out.
    rejectUnauthorized: given.verify !== false,
    ...addressAttemptTimeout(connectTimeout),
    timeout: connectTimeout,
    noDelay: true,
    credentials: credentialsOf(target),
    ...(name !== undefined && { clientProperties: { connection_name: name } }),
  };
  return amqp.connect(target.href, settings).catch((error) => {
    throw explainConnecting(error, target);
  });
}

/** For the options of `amqp.connect`, which by itself reads a letter beyond ASCII in a user or a password as two others. */
function credentialsOf(url: URL): ReturnType<typeof amqp.credentials.plain> {
  const { user, password } = loginOf(url);
  return amqp.credentials.plain(user, password);
}

/** An error of `amqp.connect`, in words that say what to do where amqplib only names the bytes that it got. */
function explainConnecting(error: unknown, url: URL): unknown {
  const reason = reasonOf(error);
  if (/^Expected ConnectionOpenOk; got <ConnectionClose/.test(reason)) {
    return new Error(
      `the broker refuses the virtual host "${vhostOf(url)}": there is none of this name, or this user may not use it ` +
        '(rabbitmqctl set_permissions), or no more connections are allowed',
      { cause: error },
    );
  }
  if (/ACCESS.REFUSED/.test(reason)) {
    const refusal = new Error(
      `the broker refuses user ${loginOf(url).user} or its password (ACCESS_REFUSED); KAZOO's brokers forget users at a restart: ` +
        'add the user again, with its permissions',
      { cause: error },
    );
    // AMQP's reply code, as on a channel.
    return Object.assign(refusal, { code: 403 });
  }
  if (/^Frame size \d+ exceeds/.test(reason)) {
    return new Error('the server there does not speak AMQP: is this the right port (usually 5672)?', { cause: error });
  }
  return url.protocol === 'amqps:' ? explainTls(error) : error;
}
