import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { messages } from '../../../src/common/messages.ts';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { realEnvironment } from '../../support/real-environment.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../../support/receiver.ts';
import { type OpenWebhook, openWebhook } from '../../support/webhook.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { webhook as webhookContract, webhookPlace } from '../contract/webhook.ts';

const open: { close(): Promise<void> }[] = [];
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
const environment = Object.fromEntries(proxyVariables.map((name) => [name, process.env[name]]));
let certificates: Certificates;

beforeAll(async () => {
  certificates = await makeCertificates();
});

afterAll(() => certificates.remove());

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  delete realEnvironment.NODE_TLS_REJECT_UNAUTHORIZED;
  for (const name of proxyVariables) {
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
  }
});

keepsTheContract(webhookContract, () => webhookPlace(certificates));

describe('over TLS', () => {
  test('a receiver whose certificate is of a CA that we trust gets its requests', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: byName(receiver), tls: { ca: certificates.files.ca } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test('one whose certificate is of no such CA gets nothing', async () => {
    const receiver = await receive();
    for (const tls of [{}, { ca: certificates.files.other }]) {
      const outcome = await (await webhook({ url: byName(receiver), tls })).send();
      expect(outcome).toMatchObject({
        status: 'retry',
        code: expect.stringMatching(/CERT|ISSUER|UNABLE_TO_VERIFY/),
        away: true,
      });
    }
    expect(receiver.arrivals).toEqual([]);
  });

  test('one whose certificate has another name gets nothing, unless that is the one we expect', async () => {
    const receiver = await receive();
    const { ca } = certificates.files;
    const outcome = await (await webhook({ url: receiver.url, tls: { ca } })).send();
    expect(outcome).toMatchObject({ status: 'retry', code: 'ERR_TLS_CERT_ALTNAME_INVALID', away: true });
    expect(receiver.arrivals).toEqual([]);
    const sink = await webhook({ url: receiver.url, tls: { ca, serverName: 'receiver.test' } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test('certificates of receivers and proxies are checked also where the environment tells Node to check none', async () => {
    realEnvironment.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const receiver = await receive();
    const plain = await startReceiver();
    open.push(plain);
    const unknown = { status: 'retry', code: expect.stringMatching(/CERT|ISSUER|UNABLE_TO_VERIFY/), away: true };
    for (const options of [{ url: byName(receiver) }, { url: plain.url, proxy: byName(receiver) }]) {
      expect(await (await webhook(options)).send()).toMatchObject(unknown);
    }
    expect([...receiver.arrivals, ...plain.arrivals]).toEqual([]);
  });

  test('one that a redirect from port 80 to 443 leads to gets nothing that says who we are', async () => {
    const [target, first] = [await receive(), await startReceiver(() => ({ status: 307, headers: { location } }))];
    const location = 'https://localhost/';
    open.push(first);
    const proxy = await startHttpProxy(() => 200, { 80: first.port, 443: target.port });
    const auth = { bearer: { token: 'geheim' } };
    const tls = { ca: certificates.files.ca };
    const sink = await webhook({ url: 'http://localhost/', proxy: proxy.url, redirects: 1, auth, tls });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect([first, target].map(({ arrivals: [arrival] }) => arrival?.headers.authorization)).toEqual([
      'Bearer geheim',
      undefined,
    ]);
  });

  test('nobody is checked where the operator says so, and the log says so too', async () => {
    const receiver = await receive();
    const sink = await webhook({ url: receiver.url, tls: { verify: false } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(sink.logged.join()).toContain(messages.notVerified);
  });

  test('an older version than allowed is not spoken', async () => {
    const receiver = await receive({ tls: { maxVersion: 'TLSv1.2' } });
    const { ca } = certificates.files;
    const outcome = await (await webhook({ url: byName(receiver), tls: { ca, minVersion: 'TLSv1.3' } })).send();
    expect(outcome).toMatchObject({ status: 'retry', away: true });
    expect(await (await webhook({ url: byName(receiver), tls: { ca } })).send()).toMatchObject({ status: 'delivered' });
  });

  test('a receiver that asks for our certificate gets it', async () => {
    const receiver = await receive({ tls: { requestCert: true, rejectUnauthorized: true, ca: certificates.ca } });
    const { ca, cert, key } = certificates.files;
    expect(await (await webhook({ url: byName(receiver), tls: { ca } })).send()).toMatchObject({
      status: 'retry',
      away: true,
    });
    const sink = await webhook({ url: byName(receiver), tls: { ca, cert, key } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test.each([
    [{ ca: '/nowhere/ca.pem' }, "the file of tls.ca, /nowhere/ca.pem, can't be read: there is no such file"],
    [{ ca: '/dev/zero' }, "the file of tls.ca, /dev/zero, can't be read: it is a device, not a file"],
    [
      { cert: 'package.json', key: 'package.json' },
      "the file of tls.cert, package.json, can't be used: it holds no certificate in PEM",
    ],
  ])('files that can’t be used make the sink unavailable: %j', async (tls, message) => {
    const opened = openWebhook({ url: 'https://127.0.0.1', tls });
    await expect(opened).rejects.toThrow(SinkUnavailable);
    await expect(opened).rejects.toThrow(message);
  });
});

describe('HTTP/2', () => {
  test('is spoken where it is offered, with many requests on one connection', async () => {
    const receiver = await receive({ http2: true });
    const sink = await webhook({ url: byName(receiver), tls: { ca: certificates.files.ca } });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => sink.send()));
    expect(outcomes).toMatchObject(Array(20).fill({ status: 'delivered' }));
    expect(new Set(receiver.arrivals.map(({ version }) => version))).toEqual(new Set(['2.0']));
    expect(receiver.connections).toBe(1);
    expect(JSON.parse(receiver.arrivals[0]?.body ?? '')).toMatchObject({ event: 'low_balance' });
  });

  test('is not spoken where the operator says so, or nobody offers it', async () => {
    const { ca } = certificates.files;
    for (const [offered, http2] of [
      [true, false],
      [false, true],
    ] as const) {
      const receiver = await receive({ http2: offered });
      expect(await (await webhook({ url: byName(receiver), http2, tls: { ca } })).send()).toMatchObject({
        status: 'delivered',
      });
      expect(receiver.arrivals[0]?.version).toBe('1.1');
    }
  });
});

describe('a proxy', () => {
  test('that is configured gets requests by HTTP whole, with its own credentials', async () => {
    const proxy = await startHttpProxy();
    const receiver = await startReceiver();
    open.push(receiver);
    const sink = await webhook({ url: `${receiver.url}/a`, proxy: proxy.url.replace('//', '//me:geheim@') });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(proxy.seen).toEqual([`POST ${receiver.url}/a Basic ${Buffer.from('me:geheim').toString('base64')}`]);
    expect(receiver.arrivals[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  test('that is configured gets a tunnel by HTTPS, and sees nothing of what goes through', async () => {
    const proxy = await startHttpProxy();
    const receiver = await receive();
    const sink = await webhook({ url: byName(receiver), proxy: proxy.url, tls: { ca: certificates.files.ca } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(proxy.seen).toEqual([`CONNECT localhost:${receiver.port} `]);
  });

  test('is taken from the environment, unless the host is excepted there or the configuration says none', async () => {
    const proxy = await startHttpProxy();
    const receiver = await startReceiver();
    open.push(receiver);
    process.env.http_proxy = proxy.url;
    process.env.no_proxy = '';
    await (await webhook({ url: receiver.url, proxy: 'environment' })).send();
    expect(proxy.seen).toHaveLength(1);
    process.env.no_proxy = '10.0.0.0/8, 127.0.0.0/8';
    await (await webhook({ url: receiver.url, proxy: 'environment' })).send();
    process.env.no_proxy = '';
    await (await webhook({ url: receiver.url, proxy: 'none' })).send();
    expect(proxy.seen).toHaveLength(1);
    expect(receiver.arrivals).toHaveLength(3);
  });

  test.each(['socks5://127.0.0.1:1080', 'proxy.lan:3128'])(
    'of a kind that isn’t spoken makes the sink unavailable, and the variable is named: %s',
    async (text) => {
      process.env.http_proxy = text;
      process.env.no_proxy = '';
      const url = 'http://127.0.0.1:9';
      await expect(openWebhook({ url })).rejects.toThrow(/^http_proxy in the environment begins neither with http:/);
      process.env.no_proxy = '127.*';
      await webhook({ url, proxy: 'environment' });
    },
  );

  test.each(['http://me:geheim@:port', 'http://me:geheim%zz@127.0.0.1:1'])(
    'that is none makes the sink unavailable, and its password isn’t shown: %s',
    async (text) => {
      process.env.http_proxy = text;
      const error: unknown = await openWebhook({ url: 'http://127.0.0.1' }).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(SinkUnavailable);
      expect(inspect(error)).toContain('is no URL of a proxy');
      expect(inspect(error)).not.toContain('geheim');
    },
  );

  test('that refuses, is not there or never answers is a receiver that is away', async () => {
    const refusing = await startHttpProxy(() => 407);
    const silent = await startHttpProxy(() => undefined);
    const gone = await startHttpProxy();
    await gone.close();
    const receiver = await receive();
    for (const { url } of [refusing, silent, gone]) {
      const proxy = url.replace('//', '//me:geheim@');
      const sink = await webhook({ url: byName(receiver), proxy, timeout: { connect: '200ms', total: '1s' } });
      const outcome = await sink.send();
      expect(outcome).toMatchObject({ status: 'retry', away: true });
      expect(JSON.stringify(outcome)).not.toContain('geheim');
    }
  });
});

/** The name that the certificate has, in place of the address. */
function byName({ url }: Receiver): string {
  return url.replace('127.0.0.1', 'localhost');
}

interface Proxy {
  readonly url: string;
  /** Method, target and credentials of each request. */
  readonly seen: string[];
  close(): Promise<void>;
}

/**
 * A proxy that forwards what it gets.
 * @param reply the status of a CONNECT; undefined is none, ever
 * @param ports in place of others
 */
async function startHttpProxy(
  reply: () => number | undefined = () => 200,
  ports: Readonly<Record<string, number>> = {},
): Promise<Proxy> {
  const seen: string[] = [];
  const portFor = (port: string) => ports[port] ?? Number(port);
  const note = ({ method, url, headers }: http.IncomingMessage) =>
    seen.push(`${method} ${url} ${headers['proxy-authorization'] ?? ''}`);
  const server = http.createServer((request, response) => {
    note(request);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const { method = 'GET', url = '' } = request;
    const port = portFor(new URL(url).port || '80');
    const forwarded = http.request(url, { method, headers, port }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  server.on('connect', (request, socket) => {
    note(request);
    const status = reply();
    socket.on('error', () => undefined);
    if (status === undefined) return;
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const [host = '', port = ''] = String(request.url).split(':');
    const target = connect(portFor(port), host === 'localhost' ? '127.0.0.1' : host);
    target.on('error', () => socket.destroy());
    socket.on('close', () => target.destroy());
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(target).pipe(socket);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const proxy = {
    url: `http://127.0.0.1:${port}`,
    seen,
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  open.push(proxy);
  return proxy;
}

async function receive({ tls = {}, http2 = false }: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(() => 200, { tls: { ...certificates.server, ...tls }, http2 });
  open.push(receiver);
  return receiver;
}

async function webhook(options: object): Promise<OpenWebhook> {
  const sink = await openWebhook({ proxy: 'none', ...options });
  open.push(sink);
  return sink;
}
