import { once } from 'node:events';
import { createConnection, isIP, type Socket } from 'node:net';
import { unlessAborted } from '../../common/async/abort.ts';
import { addressAttemptTimeout } from '../../common/net/addresses.ts';
import { explainTls, readTls } from '../../common/net/tls.ts';
import type { Connection } from './connection.ts';
import { type Message, octetCounted } from './message.ts';
import type { SyslogSinkOptions } from './options.ts';

/** TCP, with or without TLS. */
export async function openStream(
  place: { readonly host: string; readonly port: number },
  options: SyslogSinkOptions,
  signal: AbortSignal,
): Promise<Connection> {
  return new StreamConnection(await connectedSocket(place, options, signal));
}

async function connectedSocket(
  place: { readonly host: string; readonly port: number },
  { url, tls, timeout }: SyslogSinkOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const patience = { ...place, ...addressAttemptTimeout(timeout), keepAlive: true, keepAliveInitialDelay: 15_000 };
  const isTls = /^tls:/i.test(url);
  const socket = isTls
    ? // Always set: NODE_TLS_REJECT_UNAUTHORIZED must not switch the check off.
      process.getBuiltinModule('node:tls').connect({
        ...(isIP(place.host) === 0 && { servername: place.host }),
        ...readTls(tls),
        ...patience,
        rejectUnauthorized: true,
      })
    : createConnection(patience);
  try {
    const given = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal: given });
    return socket;
  } catch (error) {
    socket.destroy();
    if (Error.isError(error) && error.name === 'AbortError')
      throw new Error(`no connection within ${timeout} ms`, { cause: error });
    throw explainTls(error);
  }
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
