import { rmSync, statSync } from 'node:fs';
import { createConnection, isIP } from 'node:net';
import { hostname } from 'node:os';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';
import { Backoff } from '../waiting.ts';

export interface HttpOptions {
  /** `host:port`, the path of a Unix socket, or `off`. */
  readonly listen: string;
  /** Names that a request may ask for, beside addresses, localhost and this machine's own name. */
  readonly hosts: readonly string[];
}

/** What there is to answer. */
export interface Pages {
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  status(): Promise<unknown>;
  /** Why it isn't live, or isn't ready; empty where it is. */
  live(): readonly string[];
  ready(): readonly string[];
  readonly logLevel: { get(): string; set(level: string): boolean };
}

/** Whether the port is open, as `status` tells it. */
export interface HttpStatus {
  /** Where it answers; as configured, while it doesn't. */
  readonly listen: string;
  readonly open: boolean;
  /** Why it isn't. */
  readonly reason: string | null;
}

export interface HttpPort {
  readonly status: HttpStatus;
  close(): Promise<void>;
}

/** Between tries to open the port, in milliseconds. */
const firstPause = 1_000;
const longestPause = 30_000;

/**
 * Opens the local HTTP port: /metrics, /livez, /readyz, /status, /log-level. Where it can't be opened, the daemon runs all the same: to
 * take notifications is worth more than to be watched. That is said once for each reason, and tried again for as long as the daemon runs.
 */
export function openHttpPort(options: HttpOptions, pages: () => Pages, log: Logger): HttpPort | null {
  return options.listen === 'off' ? null : new Port(options, pages(), log);
}

class Port implements HttpPort {
  readonly #options: HttpOptions;
  readonly #pages: Pages;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #server: FastifyInstance | undefined;
  #status: HttpStatus;

  constructor(options: HttpOptions, pages: Pages, log: Logger) {
    this.#options = options;
    this.#pages = pages;
    this.#log = log;
    this.#status = { listen: options.listen, open: false, reason: null };
    this.#running = this.#open();
  }

  get status(): HttpStatus {
    return this.#status;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#server?.close();
  }

  async #open(): Promise<void> {
    const { listen } = this.#options;
    const { signal } = this.#closing;
    const backoff = new Backoff(firstPause, longestPause);
    while (!signal.aborted) {
      const server = createServer(this.#options, this.#pages, this.#log);
      try {
        const address = await start(server, listen);
        this.#server = server;
        this.#status = { listen: address, open: true, reason: null };
        this.#log.info({ listen: address }, 'the HTTP port is open');
        return;
      } catch (error) {
        await server.close();
        this.#report(reasonOf(error));
        await backoff.pause(signal).catch(() => undefined);
      }
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
  const { host, port } = addressOf(listen);
  await server.listen({ host, port });
  const address = server.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${bound}`;
}

function addressOf(listen: string): { host: string; port: number } {
  const end = listen.lastIndexOf(':');
  return { host: listen.slice(0, end).replace(/^\[|\]$/g, ''), port: Number(listen.slice(end + 1)) };
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

/** What a request may take: nothing that is asked for here is large, and nobody who asks may be slow. */
const limits = {
  bodyLimit: 1_024,
  requestTimeout: 10_000,
  connectionTimeout: 30_000,
  http: { maxHeaderSize: 8_192, headersTimeout: 10_000 },
} as const;
const mostConnections = 64;

function createServer({ listen, hosts }: HttpOptions, pages: Pages, log: Logger): FastifyInstance {
  const server = fastify({ ...limits, logger: false, forceCloseConnections: true, exposeHeadRoutes: true });
  server.server.maxConnections = mostConnections;
  // Whatever its content type says, a body is a word or a piece of JSON.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  if (!listen.startsWith('/')) server.addHook('onRequest', refuseStrangers(hosts));
  server.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  server.setErrorHandler<FastifyError>(({ statusCode = 500, message }, request, reply) => {
    if (statusCode < 500) return reply.code(statusCode).send({ error: message });
    // What went wrong inside is for the log alone.
    log.error({ path: request.routeOptions.url, reason: message }, 'an HTTP request failed');
    return reply.code(500).send({ error: 'the daemon could not answer; its log says why' });
  });
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: 'there are /metrics, /livez, /readyz, /status and /log-level' }),
  );
  addRoutes(server, pages);
  return server;
}

function addRoutes(server: FastifyInstance, pages: Pages): void {
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await pages.metrics();
    return reply.type(contentType).send(text);
  });
  server.get('/status', () => pages.status());
  server.get('/livez', (_request, reply) => verdict(reply, 'live', pages.live()));
  server.get('/readyz', (_request, reply) => verdict(reply, 'ready', pages.ready()));
  server.get('/log-level', async () => ({ level: pages.logLevel.get() }));
  server.put('/log-level', async (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send({ error: 'the level is changed from this machine only' });
    if (!pages.logLevel.set(wordIn(request.body))) return reply.code(400).send({ error: 'there is no such level' });
    return { level: pages.logLevel.get() };
  });
}

function verdict(reply: FastifyReply, name: 'live' | 'ready', reasons: readonly string[]): FastifyReply {
  return reply.code(reasons.length === 0 ? 200 : 503).send({ [name]: reasons.length === 0, reasons });
}

/**
 * A page in a browser on this machine may reach the port by a name of its own that leads here ("DNS rebinding"), and would be
 * allowed to read the answers. Such a request asks for that name.
 */
function refuseStrangers(hosts: readonly string[]) {
  const names = new Set(['localhost', hostname(), ...hosts].map((name) => name.toLowerCase()));
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const name = request.hostname?.toLowerCase().replace(/^\[|\]$/g, '') ?? '';
    if (name === '' || isIP(name) !== 0 || names.has(name)) return;
    await reply.code(421).send({ error: 'this name is not in http.hosts' });
  };
}

/** A Unix socket has no addresses. */
function isFromHere({ socket }: FastifyRequest): boolean {
  return socket.remoteAddress === undefined || /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress);
}

/** `debug`, or `{"level":"debug"}`. */
function wordIn(body: unknown): string {
  const text = typeof body === 'string' ? body.trim() : '';
  return /^\{\s*"level"\s*:\s*"([a-z]+)"\s*\}$/.exec(text)?.[1] ?? text;
}
