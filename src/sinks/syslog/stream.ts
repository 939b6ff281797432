import { once } from 'node:events';
import { createConnection, isIP, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { unlessAborted } from '../../common/async/abort.ts';
import { addressAttemptTimeout } from '../../common/net/addresses.ts';
import { explainTls, readTls } from '../../common/net/tls.ts';
import type { Connection, Said } from './connection.ts';
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
  const given = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  try {
    if (!/^tls:/i.test(url)) return await opened(createConnection(patience), 'connect', given);
    const name = isIP(place.host) === 0 ? { servername: place.host } : {};
    // Always set: NODE_TLS_REJECT_UNAUTHORIZED must not switch the check off.
    return await securedSocket({ ...name, ...readTls(tls), ...patience, rejectUnauthorized: true }, given);
  } catch (error) {
    if (Error.isError(error) && error.name === 'AbortError')
      throw new Error(`no connection within ${timeout} ms`, { cause: error });
    throw explainTls(error);
  }
}

/** Resolves with the socket once it is open, or destroys it. */
async function opened<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function securedSocket(options: ConnectionOptions, signal: AbortSignal): Promise<Socket> {
  const socket = process.getBuiltinModule('node:tls').connect(options);
  const ticket = once(socket, 'session', { signal });
  ticket.catch(() => undefined);
  await opened(socket, 'secureConnect', signal);
  try {
    if (socket.getProtocol() === 'TLSv1.3') await mayRefuse(socket, ticket);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Milliseconds for which a server may look at our certificate: few send no ticket, and then each connection takes them. */
const refusesWithin = 1_000;

/**
 * In TLS 1.3, a connection is open for us before the server has seen our certificate, or that there is none: what is sent by
 * then is lost where it refuses that. Its ticket, which nearly all servers send, says that it doesn't.
 * @throws Error where it does
 */
async function mayRefuse(socket: TLSSocket, ticket: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  const closed = once(socket, 'close', { signal }).then(() => {
    throw new Error('the server has closed the connection');
  });
  try {
    await Promise.race([ticket, closed, delay(refusesWithin, undefined, { signal })]);
    // OpenSSL tells of a ticket while it reads: what is written before it has done so breaks the connection.
    await immediate();
  } finally {
    done.abort();
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
      this.#failure = explainTls(error);
    });
    socket.on('end', () => {
      this.#failure ??= new Error('the server has closed the connection');
      socket.destroy();
    });
  }

  async send(messages: readonly Message[], said: Said[], signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined || this.#socket.destroyed)
      throw this.#failure ?? new Error('the connection is closed');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.write(octetCounted(messages), (error) => (error ? reject(this.#failure ?? error) : resolve()));
    await unlessAborted(promise, signal);
    said.push(...messages.map((): Said => 'taken'));
  }

  close(): void {
    // What it hasn't taken yet is of an attempt that nobody waits for any more.
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.destroySoon();
  }
}
