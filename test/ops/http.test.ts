import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { createServer as createHttpServer, openHttpPort } from '../../src/ops/http-port.ts';
import { createAnswers, type Endpoints } from '../../src/ops/http-server.ts';
import { cli } from '../support/cli.ts';
import { ask, httpAddress } from '../support/http.ts';
import { type BreakableBroker, shareBreakableBroker } from '../support/rabbitmq.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

let broker: BreakableBroker;
const relays: TestRelay[] = [];

beforeAll(async () => {
  broker = await shareBreakableBroker();
});

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close();
});

afterAll(() => broker.close());

describe('the HTTP port', () => {
  test('says whether the daemon is live and ready, and what it does', async () => {
    const relay = started('127.0.0.1:0');
    const at = await httpAddress(relay.daemon);
    await relay.daemon.says('consuming');
    expect(await answer(at, '/livez')).toEqual([200, { live: true, reasons: [] }]);
    expect(await answer(at, '/readyz')).toEqual([200, { ready: true, reasons: [] }]);
    const [status, told] = await answer(at, '/status');
    const { stdout } = await cli(['status', '--config', relay.config, '--json']);
    expect(status).toBe(200);
    const { brokers: _one, journal, ...rest } = told;
    const { brokers: _other, journal: other, ...wanted } = JSON.parse(stdout);
    expect(rest).toEqual(wanted);
    expect(journal.path).toEqual(other.path);
    expect(rest.http).toEqual({ listen: at, open: true, reason: null });

    await broker.stop();
    await until(async () => (await answer(at, '/readyz'))[0] === 503, { what: 'the daemon to be unready' });
    expect(await answer(at, '/readyz')).toEqual([
      503,
      {
        ready: false,
        reasons: [expect.stringMatching(/^127\.0\.0\.1:\d+ \(zone west\): away: no intake[^;]*; the command/)],
      },
    ]);
    expect(await answer(at, '/livez')).toEqual([200, { live: true, reasons: [] }]);
    await broker.start();
    await until(async () => (await answer(at, '/readyz'))[0] === 200, { what: 'the daemon to be ready again' });
  });

  test('answers only to names that are its own, and takes nothing that is large', async () => {
    const relay = started('127.0.0.1:0', { hosts: ['relay.example.com'] });
    const at = await httpAddress(relay.daemon);
    const asked = async (host: string) => (await ask(at, '/livez', { headers: { host } })).status;
    expect(await asked(at)).toBe(200);
    expect(await asked('localhost:9400')).toBe(200);
    expect(await asked('[::1]:9400')).toBe(200);
    expect(await asked('Relay.Example.com')).toBe(200);
    expect(await asked('rebound.example.com:9400')).toBe(421);
    expect(await asked('127.0.0.1.example.com')).toBe(421);
    expect((await ask(at, '/log-level', { method: 'PUT', body: 'x'.repeat(2_000) })).status).toBe(413);
    expect((await ask(at, '/livez', { headers: { padding: 'x'.repeat(10_000) } })).status).toBe(431);
    expect((await ask(at, '/livez', { method: 'POST' })).status).toBe(404);
    expect(await answer(at, '/else')).toEqual([404, { error: expect.stringContaining('/metrics') }]);
  });

  test('that is taken keeps nothing from being taken in, and opens once it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const listen = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const relay = started(listen);
    await relay.daemon.says('consuming');
    await relay.daemon.says('the HTTP port could not be opened; trying again');
    const { stdout } = await cli(['status', '--config', relay.config]);
    expect(stdout).toMatch(/HTTP +127\.0\.0\.1:\d+ is not open: .*EADDRINUSE/);
    other.close();
    expect(await httpAddress(relay.daemon)).toBe(listen);
    expect(relay.daemon.stderr.match(/could not be opened/g)).toHaveLength(1);
    expect((await ask(listen, '/livez')).status).toBe(200);
  });

  test('is a Unix socket where the configuration says so, also after a kill', async () => {
    const relay = started((path) => path('http.sock'));
    const at = await httpAddress(relay.daemon);
    expect(at).toBe(relay.path('http.sock'));
    expect(statSync(at).mode & 0o777).toBe(0o660);
    expect((await ask(at, '/livez', { headers: { host: 'anything' } })).status).toBe(200);
    await relay.daemon.end('SIGKILL');
    relay.start();
    await httpAddress(relay.daemon);
    expect((await ask(at, '/metrics')).body).toContain('kazoo_relay_build_info');
    expect(await relay.daemon.end('SIGTERM')).toBe(0);
    expect(() => statSync(at)).toThrow();
  });

  test('that all machines reach is where a link in the log leads that logs in once, if the start asks for one', async () => {
    const relay = started('0.0.0.0:0', {}, '--page-link');
    await relay.daemon.says('logs in to the page once');
    const [, at = '', link = ''] =
      /"link":"http:\/\/(127\.0\.0\.1:\d+)\/login\?link=([\w-]{43})"/.exec(relay.daemon.stderr) ?? [];
    const follow = () => ask(at, '/login', { method: 'POST', body: `link=${link}` });
    expect([(await follow()).status, (await follow()).status]).toEqual([303, 403]);
    const closed = started('off', {}, '--page-link');
    await closed.daemon.says('the HTTP port is off: set http.listen');
  });

  test('changes the level of the log', async () => {
    const relay = started('127.0.0.1:0');
    const at = await httpAddress(relay.daemon);
    const put = async (body: string) => (await ask(at, '/log-level', { method: 'PUT', body })).status;
    expect(await put('debug')).toBe(200);
    expect(await answer(at, '/log-level')).toEqual([200, { level: 'debug' }]);
    expect(await put('{"level":"warn"}')).toBe(200);
    expect(await answer(at, '/log-level')).toEqual([200, { level: 'warn' }]);
    expect(await put('loud')).toBe(400);
    await relay.daemon.says('"from":"debug","to":"warn"');
  });

  test.each([
    ...[['127.0.0.1:9400', 200] as const, ['127.9.9.9:9400', 200] as const, ['localhost:9400', 200] as const],
    ...[['[::1]:9400', 200] as const, ['[::ffff:127.0.0.1]:9400', 200] as const, ['/run/relay.sock', 200] as const],
    ...[['0.0.0.0:9400', 403] as const, ['[::]:9400', 403] as const, ['10.0.0.5:9400', 403] as const],
    ...[['127.evil.example.com:9400', 403] as const, ['relay.example.com:9400', 403] as const],
  ])('that listens on %s answers %d to whoever sets the level, wherever he seems to be', async (listen, status) => {
    await using server = createAnswers({ listen, hosts: [] }, endpoints, silent);
    const answered = await server.inject({ method: 'PUT', url: '/log-level', payload: 'debug' });
    expect(answered.statusCode).toBe(status);
  });

  test('loads what answers at the first request, for all that come meanwhile', async () => {
    let loaded = 0;
    const load = async () => {
      loaded += 1;
      return endpoints;
    };
    const port = openHttpPort({ listen: '127.0.0.1:0', hosts: [] }, load, silent);
    await until(() => port?.status.open === true, { what: 'the port to open' });
    expect(loaded).toBe(0);
    const asked = Array.from({ length: 3 }, () => ask(port?.status.listen ?? '', '/livez'));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(loaded).toBe(1);
    await port?.close();
  });

  test('answers 500 while what answers can not be loaded, and tries again', async () => {
    let isBroken = true;
    const load = async () => {
      if (isBroken) throw new Error('Cannot find module');
      return endpoints;
    };
    const port = openHttpPort({ listen: '127.0.0.1:0', hosts: [] }, load, silent);
    await until(() => port?.status.open === true, { what: 'the port to open' });
    const asked = async () => (await ask(port?.status.listen ?? '', '/livez')).status;
    expect(await asked()).toBe(500);
    isBroken = false;
    expect(await asked()).toBe(200);
    await port?.close();
  });

  test('gives a request 10 s to come in', () => {
    const { requestTimeout, headersTimeout } = createHttpServer(() => undefined);
    expect({ requestTimeout, headersTimeout }).toEqual({ requestTimeout: 10_000, headersTimeout: 10_000 });
  });

  test.each([
    ['says nothing', ''],
    ['stops within its headers', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX-'],
    ['stops within its body', 'PUT /log-level HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nde'],
  ])('cuts off a client that %s, once that time is over', async (_what, sent) => {
    await using answers = createAnswers({ listen: '127.0.0.1:0', hosts: [] }, endpoints, silent);
    await answers.ready();
    await using server = createHttpServer((request, response) => answers.routing(request, response), 50);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    socket.write(sent);
    let answered = '';
    socket.on('data', (chunk) => (answered += chunk));
    await until(() => socket.readableEnded, { what: 'the end of the connection', timeout: 10_000 });
    expect(answered).toMatch(/^HTTP\/1\.1 408 /);
  });
});

const silent = pino({ enabled: false });

const endpoints: Endpoints = {
  metrics: async () => ({ contentType: 'text/plain', text: '' }),
  status: async () => ({}),
  live: () => [],
  ready: () => [],
  logLevel: { get: () => 'info', set: () => true },
  mayAsk: async () => true,
  addPage: () => () => undefined,
};

function started(
  listen: string | ((path: (name: string) => string) => string),
  http: object = {},
  ...args: readonly string[]
): TestRelay {
  const relay = testRelay(broker.url, (path) => ({
    http: { listen: typeof listen === 'string' ? listen : listen(path), ...http },
    routes: { archive: { sink: { type: 'file', path: path('archive.ndjson') } } },
  }));
  relays.push(relay);
  relay.start(...args);
  return relay;
}

/** Status and JSON. */
async function answer(at: string, path: string) {
  const { status, body } = await ask(at, path);
  return [status, JSON.parse(body)];
}
