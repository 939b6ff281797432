import { once } from 'node:events';
import { createConnection, isIP, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { addressAttemptTimeout } from './addresses.ts';
import { explainTls, readTls, type TlsFiles } from './tls.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

interface SocketOptions {
  readonly tls: TlsFiles | undefined;
  /** Milliseconds within which it must be open. */
  readonly timeout: number;
  /** True where the server answers nothing: that it refuses our certificate must show before anything is sent. */
  readonly isSilent?: boolean;
}

/**
 * A connection over TCP, or over TLS where its files are given.
 * @throws Error that says why it can't be opened, and which option mends that
 */
export async function openSocket(
  place: Place,
  { tls, timeout, isSilent = false }: SocketOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const patience = { ...place, ...addressAttemptTimeout(timeout), keepAlive: true, keepAliveInitialDelay: 15_000 };
  const given = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  let socket: Socket | undefined;
  try {
    if (tls === undefined) {
      socket = createConnection(patience);
      await once(socket, 'connect', { signal: given });
      return socket;
    }
    const secured = process.getBuiltinModule('node:tls').connect({ ...clientTls(place.host, tls), ...patience });
    socket = secured;
    // It may come together with the end of the handshake.
    const ticket = once(secured, 'session', { signal: given });
    ticket.catch(() => undefined);
    await once(secured, 'secureConnect', { signal: given });
    if (isSilent && secured.getProtocol() === 'TLSv1.3') await mayRefuse(secured, ticket);
    return secured;
  } catch (error) {
    socket?.destroy();
    if (Error.isError(error) && error.name === 'AbortError')
      throw new Error(`no connection within ${timeout} ms`, { cause: error });
    throw explainTls(error);
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

/** What `tls.connect` takes, beside the place. @throws Error that names the option and the file, when one can't be used */
export function clientTls(host: string, tls: TlsFiles) {
  return {
    ...(isIP(host) === 0 && { servername: host }),
    ...readTls(tls),
    // Always set: NODE_TLS_REJECT_UNAUTHORIZED must not switch the check off.
    rejectUnauthorized: true,
  };
}
