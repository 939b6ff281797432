import { hostname } from 'node:os';
import { unlessAborted } from '../../common/async/abort.ts';
import { codeOf, reasonOf } from '../../common/errors.ts';
import { formatBytes } from '../../common/text/format.ts';
import type { Delivery } from '../../notification/envelope.ts';
import { delivered, type Outcome, type Sink, type SinkKind, SinkUnavailable } from '../sink.ts';
import type { Connection, Said } from './connection.ts';
import { createMessages, type Message } from './message.ts';
import { openConnection } from './open.ts';
import { isUdp, type SyslogSinkOptions, syslogDeclaration } from './options.ts';

/** A message of RFC 5424 for each notification. */
export const syslogSink: SinkKind<SyslogSinkOptions> = {
  ...syslogDeclaration,

  async connectionTest(options) {
    const connection = await connected(options, new AbortController().signal);
    connection.close();
    const { url } = options;
    return isUdp(url) ? `${url} has an address; UDP doesn't say whether anybody listens` : `${url} takes connections`;
  },

  async open(options) {
    return new SyslogSink(options);
  },
};

class SyslogSink implements Sink {
  readonly #options: SyslogSinkOptions;
  readonly #messageOf: (delivery: Delivery) => Message;
  readonly #closing = new AbortController();
  #connection: Connection | undefined;

  constructor(options: SyslogSinkOptions) {
    this.#options = options;
    this.#messageOf = createMessages({ ...options, hostname: options.hostname ?? hostname() });
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const messages = batch.map(this.#messageOf);
    const { url, maxSize } = this.#options;
    const fitting = messages.filter(({ size }) => size <= maxSize);
    const said: Said[] = [];
    let lost: Outcome = delivered;
    try {
      if (fitting.length > 0) await this.#send(fitting, said, signal);
    } catch (cause) {
      this.#connection?.close();
      this.#connection = undefined;
      signal.throwIfAborted();
      const failure =
        cause instanceof SinkUnavailable
          ? cause
          : new SinkUnavailable(`${url}: ${reasonOf(cause)}`, { cause, code: codeOf(cause) });
      if (said.length === 0) throw failure;
      const { message, code } = failure;
      lost = { status: 'retry', reason: message, away: true, ...(code !== undefined && { code }) };
    }
    const results = said.values();
    return messages.map(({ size }) => {
      if (size > maxSize) return tooLarge(size, maxSize);
      const { value } = results.next();
      return value === undefined ? lost : value === 'taken' ? delivered : noDatagram(size);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sink is closed'));
    this.#connection?.close();
  }

  async #send(messages: readonly Message[], said: Said[], signal: AbortSignal): Promise<void> {
    this.#connection ??= await connected(this.#options, AbortSignal.any([signal, this.#closing.signal]));
    // It may have opened while the sink closed.
    this.#closing.signal.throwIfAborted();
    await this.#connection.send(messages, said, signal);
  }
}

async function connected(options: SyslogSinkOptions, signal: AbortSignal): Promise<Connection> {
  try {
    return await unlessAborted(openConnection(options, signal), signal, (connection) => connection.close());
  } catch (cause) {
    throw new SinkUnavailable(`${options.url} can't be reached: ${reasonOf(cause)}`, { cause, code: codeOf(cause) });
  }
}

function noDatagram(size: number): Outcome {
  const reason = `the message has ${formatBytes(size)}, more than a datagram takes: send it over tls:// or tcp://`;
  return { status: 'dead', reason, code: 'EMSGSIZE' };
}

function tooLarge(size: number, most: number): Outcome {
  const limit = `has ${formatBytes(size)}, more than maxSize (${formatBytes(most)})`;
  return { status: 'dead', reason: `the message ${limit}: raise it, and the server's own limit before it` };
}
