import { once } from 'node:events';
import { createConnection, isIP, type Socket } from 'node:net';
import { addressAttemptTimeout } from './addresses.ts';
import { explainTls, readTls, type TlsFiles } from './tls.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * A connection over TCP, or over TLS where its files are given.
 * @param timeout milliseconds within which it must be open
 * @throws Error that says why it can't be opened, and which option mends that
 */
export async function openSocket(
  place: Place,
  { tls, timeout }: { readonly tls: TlsFiles | undefined; readonly timeout: number },
  signal: AbortSignal,
): Promise<Socket> {
  const patience = { ...place, ...addressAttemptTimeout(timeout), keepAlive: true, keepAliveInitialDelay: 15_000 };
  const socket =
    tls === undefined
      ? createConnection(patience)
      : process.getBuiltinModule('node:tls').connect({ ...clientTls(place.host, tls), ...patience });
  try {
    const given = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    await once(socket, tls === undefined ? 'connect' : 'secureConnect', { signal: given });
    return socket;
  } catch (error) {
    socket.destroy();
    if (Error.isError(error) && error.name === 'AbortError')
      throw new Error(`no connection within ${timeout} ms`, { cause: error });
    throw explainTls(error);
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
