import type { Socket } from 'node:net';
import { unlessAborted } from '../../common/async/abort.ts';
import { openSocket } from '../../common/net/open-socket.ts';
import type { Connection } from './connection.ts';
import { type Message, octetCounted } from './message.ts';
import type { SyslogSinkOptions } from './options.ts';

/** TCP, with or without TLS. */
export async function openStream(
  place: { readonly host: string; readonly port: number },
  options: SyslogSinkOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const { url, tls, timeout } = options;
  const isTls = /^tls:/i.test(url);
  return new StreamConnection(await openSocket(place, { tls: isTls ? tls : undefined, timeout }, signal));
}

/** Over TCP, with or without TLS. */
class StreamConnection implements Connection {
  readonly #socket: Socket;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A server has nothing to say; reading is how its end is known.
    socket.resume();
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.on('end', () => {
      this.#failure ??= new Error('the server has closed the connection');
      socket.destroy();
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined || this.#socket.destroyed)
      throw this.#failure ?? new Error('the connection is closed');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.write(octetCounted(messages), (error) => (error ? reject(this.#failure ?? error) : resolve()));
    await unlessAborted(promise, signal);
  }

  close(): void {
    // What it hasn't taken yet is of an attempt that nobody waits for any more.
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.destroySoon();
  }
}
