import { isIP } from 'node:net';
import { hostname } from 'node:os';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { messages } from '../common/messages.ts';
import { hostAndPort, isLoopback } from '../common/net/addresses.ts';
import { type Log, type LogLevel, logLevels, setLevel } from './log.ts';
import type { MetricsText } from './metrics.ts';
import { type RuntimeSnapshot, stuckIn, unreadyIn } from './runtime-snapshot.ts';
import { type Status, withoutAnswers, withoutBrokersAnswers } from './status.ts';

export interface HttpOptions {
  /** `host:port`, the path of a Unix socket, or `off`. */
  readonly listen: string;
  /** Names that a request may ask for, beside addresses, localhost and this machine's own name. */
  readonly hosts: readonly string[];
}

/** The answers of the port. */
export interface Endpoints {
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  status(): Promise<unknown>;
  /** Why it isn't live, or isn't ready; empty where it is. */
  live(): readonly string[];
  ready(): readonly string[];
  readonly logLevel: { get(): string; set(level: string): boolean };
  /** Whether somebody may ask for what stands above. */
  readonly mayAsk: (request: FastifyRequest) => Promise<boolean>;
  /** Adds the page for people; returns how to end what it keeps open. */
  readonly addPage: (server: FastifyInstance) => () => void;
}

/** Nothing that is asked for here is large: bytes of a body. */
const bodyLimit = 1_024;

/** Answers with these to the requests of another server, by its `routing`. */
export function createAnswers({ listen, hosts }: HttpOptions, endpoints: Endpoints, log: Logger): FastifyInstance {
  const server = fastify({ bodyLimit, logger: false, exposeHeadRoutes: true });
  // Whatever its content type says, a body is a word or a piece of JSON.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const isSocket = listen.startsWith('/');
  if (!isSocket) server.addHook('onRequest', refuseStrangers(hosts));
  server.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  server.setErrorHandler<FastifyError>(({ statusCode = 500, message }, request, reply) => {
    if (statusCode < 500) return reply.code(statusCode).send({ error: message });
    // What went wrong inside is for the log alone.
    log.error({ path: request.routeOptions.url, reason: message }, messages.requestFailed);
    return reply.code(500).send({ error: 'the daemon could not answer; its log says why' });
  });
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: 'there are / for people, and /metrics, /livez, /readyz, /status and /log-level' }),
  );
  void server.register(async (monitoring) => {
    monitoring.addHook('onRequest', refuseUnknown(endpoints.mayAsk));
    addRoutes(monitoring, endpoints, isSocket || isLoopback(hostAndPort(listen).host));
  });
  const closePage = endpoints.addPage(server);
  server.addHook('onClose', async () => closePage());
  return server;
}

/** @param isClosed whether only this machine reaches the server: a connection that was reset doesn't say where it came from */
function addRoutes(server: FastifyInstance, endpoints: Endpoints, isClosed: boolean): void {
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await endpoints.metrics();
    return reply.type(contentType).send(text);
  });
  server.get('/status', () => endpoints.status());
  server.get('/livez', (_request, reply) => verdict(reply, 'live', endpoints.live()));
  server.get('/readyz', (_request, reply) => verdict(reply, 'ready', endpoints.ready()));
  server.get('/log-level', async () => ({ level: endpoints.logLevel.get() }));
  server.put('/log-level', async (request, reply) => {
    if (!isClosed) return reply.code(403).send({ error: openToOthers });
    if (!endpoints.logLevel.set(wordIn(request.body))) return reply.code(400).send({ error: 'there is no such level' });
    return { level: endpoints.logLevel.get() };
  });
}

function verdict(reply: FastifyReply, name: 'live' | 'ready', reasons: readonly string[]): FastifyReply {
  return reply.code(reasons.length === 0 ? 200 : 503).send({ [name]: reasons.length === 0, reasons });
}

/**
 * A page in a browser on this machine may reach the port by a name of its own that leads here ("DNS rebinding"), and
 * would be allowed to read the answers. Such a request asks for that name.
 */
function refuseStrangers(hosts: readonly string[]) {
  const names = new Set(['localhost', hostname(), ...hosts].map((name) => name.toLowerCase()));
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const name = request.hostname?.toLowerCase().replace(/^\[|\]$/g, '') ?? '';
    if (name === '' || isIP(name) !== 0 || names.has(name)) return;
    await reply.code(421).send({ error: 'this name is not in http.hosts' });
  };
}

function refuseUnknown(mayAsk: Endpoints['mayAsk']) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (await mayAsk(request)) return;
    await reply
      .code(401)
      .header('www-authenticate', 'Basic realm="kazoo-relay"')
      .send({ error: 'http.access.metrics is login' });
  };
}

const openToOthers =
  'the level is set only where http.listen is 127.0.0.1 or a Unix socket; kill -USR2 turns it to debug, and back';

/** `debug`, or `{"level":"debug"}`. */
function wordIn(body: unknown): string {
  const text = typeof body === 'string' ? body.trim() : '';
  return /^\{\s*"level"\s*:\s*"([a-z]+)"\s*\}$/.exec(text)?.[1] ?? text;
}

/** What the HTTP port answers of a running daemon. */
export function endpointsOf(
  snapshot: RuntimeSnapshot,
  status: () => Promise<Status>,
  log: Log,
  page: Pick<Endpoints, 'mayAsk' | 'addPage'>,
): Endpoints {
  let metrics: Promise<MetricsText> | undefined;
  return {
    async metrics() {
      // Loads its library only when Prometheus asks.
      metrics ??= import('./metrics.ts').then(({ createMetrics }) => createMetrics(snapshot));
      const { contentType, text } = await metrics;
      return { contentType, text: await text() };
    },
    status: async () => withoutAnswers(await status()),
    live: () => stuckIn(snapshot),
    ready: () => {
      const { routes, journalProblem } = snapshot;
      return unreadyIn({ brokers: () => withoutBrokersAnswers(snapshot.brokers()), routes, journalProblem });
    },
    logLevel: {
      get: () => log.level,
      set(wanted) {
        const level: LogLevel | undefined = logLevels.find((known) => known === wanted);
        if (level !== undefined) setLevel(log, level);
        return level !== undefined;
      },
    },
    ...page,
  };
}
