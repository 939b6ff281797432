import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** A request as it arrived. */
export interface Arrival {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
  readonly version: string;
}

/** What to answer: a status, or all of it. */
export type Reply = number | { status: number; headers?: Record<string, string | string[]>; body?: string };

/** A server on loopback that keeps what arrives. */
export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly arrivals: Arrival[];
  /** Connections that were made to it. */
  readonly connections: number;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  readonly tls?: SecureContextOptions & TlsOptions;
  readonly http2?: boolean;
  /** Where it listens; any free port where it is left out. */
  readonly port?: number;
  /** One that is there already, and answers by itself. */
  readonly server?: http2.Http2SecureServer;
}

export function startReceiver(
  reply: (arrival: Arrival, count: number) => Reply | Promise<Reply> = () => 200,
  { tls, http2: h2 = false, port = 0, server: given }: ReceiverOptions = {},
): Promise<Receiver> {
  const arrivals: Arrival[] = [];
  if (given !== undefined) return listen(given, 'https', arrivals);
  // Both kinds of requests and responses have what is used here.
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', headers, httpVersion } = request;
    const bytes = Buffer.concat(chunks);
    const arrival = { method, path: url, headers, body: bytes.toString(), bytes, version: httpVersion };
    arrivals.push(arrival);
    const answer = await reply(arrival, arrivals.length);
    const { status, headers: answered, body } = typeof answer === 'number' ? { status: answer } : answer;
    response.writeHead(status, answered).end(body);
  };
  const listener = (request: http.IncomingMessage, response: http.ServerResponse) =>
    void handle(request, response).catch(() => response.destroy());
  if (tls === undefined) return listen(http.createServer(listener), 'http', arrivals, port);
  if (!h2) return listen(https.createServer(tls, listener), 'https', arrivals);
  const server = http2.createSecureServer({ ...tls, allowHTTP1: true });
  server.on('request', listener as never); // its request and response have the same parts
  return listen(server, 'https', arrivals);
}

/** A server that does with each connection what it is told, below HTTP. */
export function startRawServer(handle: (socket: Socket) => void): Promise<Receiver> {
  return listen(createServer(handle), 'http', []);
}

async function listen(server: Server, protocol: string, arrivals: Arrival[], wanted = 0): Promise<Receiver> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `${protocol}://127.0.0.1:${port}`,
    arrivals,
    get connections() {
      return connections;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
