import { rmSync, statSync } from 'node:fs';
import { createConnection, isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Backoff } from '../common/async/loop.ts';
import { reasonOf } from '../common/errors.ts';
import { hostAndPort } from '../common/net/addresses.ts';
import type { Endpoints, HttpOptions } from './http-server.ts';
import type { HttpStatus } from './status.ts';

export interface HttpPort {
  readonly status: HttpStatus;
  close(): Promise<void>;
}

/** Notifications come first: loading the library for HTTP would hold up the links to the brokers. Milliseconds. */
const headStart = 500;

/** Between tries to open the port, in milliseconds. */
const firstPause = 1_000;
const longestPause = 30_000;

/**
 * Opens the local HTTP port: /metrics, /livez, /readyz, /status, /log-level. Where it can't be opened, the daemon runs
 * all the same: taking notifications matters more than monitoring. The failure is logged once for each reason, and the port
 * is tried again for as long as the daemon runs.
 */
export function openHttpPort(options: HttpOptions, endpoints: () => Promise<Endpoints>, log: Logger): HttpPort | null {
  return options.listen === 'off' ? null : new Port(options, endpoints, log);
}

class Port implements HttpPort {
  readonly #options: HttpOptions;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #server: FastifyInstance | undefined;
  #status: HttpStatus;

  constructor(options: HttpOptions, endpoints: () => Promise<Endpoints>, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#status = { listen: options.listen, open: false, reason: null };
    this.#running = this.#open(endpoints);
  }

  get status(): HttpStatus {
    return this.#status;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#server?.close();
  }

  async #open(makeEndpoints: () => Promise<Endpoints>): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(firstPause, longestPause);
    await delay(headStart, undefined, { signal }).catch(() => undefined);
    while (!signal.aborted) {
      try {
        await this.#tryToOpen(makeEndpoints);
        return;
      } catch (error) {
        this.#report(reasonOf(error));
        await backoff.pause(signal).catch(() => undefined);
      }
    }
  }

  async #tryToOpen(makeEndpoints: () => Promise<Endpoints>): Promise<void> {
    const [{ createServer }, endpoints] = await Promise.all([import('./http-server.ts'), makeEndpoints()]);
    const server = createServer(this.#options, endpoints, this.#log);
    try {
      const address = await start(server, this.#options.listen);
      this.#server = server;
      this.#status = { listen: address, open: true, reason: null };
      this.#log.info({ listen: address }, 'the HTTP port is open');
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  #report(reason: string): void {
    const { listen } = this.#options;
    if (reason !== this.#status.reason)
      this.#log.error({ listen, reason }, 'the HTTP port could not be opened; trying again');
    this.#status = { listen, open: false, reason };
  }
}

/** Resolves to where it listens. */
async function start(server: FastifyInstance, listen: string): Promise<string> {
  if (listen.startsWith('/')) {
    await removeLeftover(listen);
    await server.listen({ path: listen });
    return listen;
  }
  const { host, port } = hostAndPort(listen);
  await server.listen({ host, port });
  const address = server.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${bound}`;
}

/** A daemon that was killed leaves its socket behind; one that somebody answers on isn't ours. */
async function removeLeftover(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isAnswered = await new Promise<boolean>((resolve) => {
    const socket = createConnection(path);
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
  if (!isAnswered) rmSync(path, { force: true });
}
