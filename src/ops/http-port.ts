import { once } from 'node:events';
import { chmodSync, rmSync, statSync } from 'node:fs';
import { createServer as createNodeServer, type RequestListener, type Server } from 'node:http';
import { createConnection, isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Backoff } from '../common/async/loop.ts';
import { reasonOf } from '../common/errors.ts';
import { messages } from '../common/messages.ts';
import { hostAndPort } from '../common/net/addresses.ts';
import type { Endpoints, HttpOptions } from './http-server.ts';
import type { HttpStatus } from './status.ts';

export interface HttpPort {
  readonly status: HttpStatus;
  /** Resolves once it is open, or closed before that. */
  readonly opened: Promise<void>;
  close(): Promise<void>;
}

/** How long a request may take to come in, in milliseconds; a connection without any; and one between two requests. */
const longestRequest = 10_000;
const longestPauses = { withinRequest: 30_000, between: 72_000 };
const mostConnections = 64;

/** Between tries to open the port, in milliseconds. */
const firstPause = 1_000;
const longestPause = 30_000;

/**
 * Opens the local HTTP port: /metrics, /livez, /readyz, /status, /log-level. Where it can't be opened, the daemon runs
 * all the same: taking notifications matters more than monitoring. The failure is logged once for each reason, and the port
 * is tried again for as long as the daemon runs. The library that answers is loaded at the first request: it takes as much
 * memory as a third of an idle daemon, and time at the start.
 */
export function openHttpPort(options: HttpOptions, endpoints: () => Promise<Endpoints>, log: Logger): HttpPort | null {
  return options.listen === 'off' ? null : new Port(options, endpoints, log);
}

class Port implements HttpPort {
  readonly opened: Promise<void>;
  readonly #options: HttpOptions;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #endpoints: () => Promise<Endpoints>;
  #server: Server | undefined;
  #answers: Promise<FastifyInstance> | undefined;
  #status: HttpStatus;

  constructor(options: HttpOptions, endpoints: () => Promise<Endpoints>, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#status = { listen: options.listen, open: false, reason: null };
    this.#endpoints = endpoints;
    this.opened = this.#open();
  }

  get status(): HttpStatus {
    return this.#status;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.opened;
    await close(this.#server);
    await (await this.#answers?.catch(() => undefined))?.close();
  }

  async #open(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(firstPause, longestPause);
    while (!signal.aborted) {
      try {
        await this.#tryToOpen();
        return;
      } catch (error) {
        this.#report(reasonOf(error));
        await backoff.pause(signal).catch(() => undefined);
      }
    }
  }

  async #tryToOpen(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    const address = await start(server, this.#options.listen);
    this.#server = server;
    this.#status = { listen: address, open: true, reason: null };
    this.#log.info({ listen: address }, messages.portOpen);
  }

  async #answer(...[request, response]: Parameters<RequestListener>): Promise<void> {
    try {
      this.#answers ??= this.#loadAnswers();
      (await this.#answers).routing(request, response);
    } catch (error) {
      // The next request tries again.
      this.#answers = undefined;
      const reason = reasonOf(error);
      this.#log.error({ reason }, messages.portNotLoaded);
      response.writeHead(500).end();
    }
  }

  async #loadAnswers(): Promise<FastifyInstance> {
    const [{ createAnswers }, endpoints] = await Promise.all([import('./http-server.ts'), this.#endpoints()]);
    const answers = createAnswers(this.#options, endpoints, this.#log);
    await answers.ready();
    return answers;
  }

  #report(reason: string): void {
    const { listen } = this.#options;
    if (reason !== this.#status.reason) this.#log.error({ listen, reason }, messages.portNotOpened);
    this.#status = { listen, open: false, reason };
  }
}

/** @param patience milliseconds after which a request that hasn't come in is cut off */
export function createServer(answer: RequestListener, patience = longestRequest): Server {
  const server = createNodeServer(
    {
      ...{ requestTimeout: patience, headersTimeout: patience, keepAliveTimeout: longestPauses.between },
      // Node looks for slow requests every half a minute by itself, and cuts none before.
      connectionsCheckingInterval: patience / 10,
      maxHeaderSize: 8_192,
    },
    answer,
  );
  server.maxConnections = mostConnections;
  return server.setTimeout(longestPauses.withinRequest);
}

async function close(server: Server | undefined): Promise<void> {
  if (server === undefined) return;
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

/** Resolves to where it listens. */
async function start(server: Server, listen: string): Promise<string> {
  if (listen.startsWith('/')) {
    await removeLeftover(listen);
    await once(server.listen({ path: listen }), 'listening');
    // Whatever the umask is: for a reverse proxy that has the daemon's group.
    chmodSync(listen, 0o660);
    return listen;
  }
  const { host, port } = hostAndPort(listen);
  await once(server.listen({ host, port }), 'listening');
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${bound}`;
}

/** A killed daemon leaves its socket behind; one that somebody answers belongs to another program. */
async function removeLeftover(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isAnswered = await new Promise<boolean>((resolve) => {
    const socket = createConnection(path);
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
  if (!isAnswered) rmSync(path, { force: true });
}
