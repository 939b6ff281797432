import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectionTest } from '../../../src/sinks/webhook/connection-test.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { openForTest } from '../../support/open-for-test.ts';
import { webhookOptions } from '../../support/webhook.ts';

const { open, receive } = openForTest();
let certificates: Certificates;

beforeAll(async () => {
  certificates = await makeCertificates();
});

afterAll(() => certificates.remove());

const look = (options: object) => connectionTest(webhookOptions({ proxy: 'none', ...options }));

describe('a look at the receiver of a webhook', () => {
  test.each([{ http2: true }, { http2: false }])('connects over TLS, and sends nothing: %j', async (h2) => {
    const receiver = await receive(() => 200, { tls: certificates.server, ...h2 });
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    const tls = { ca: certificates.files.ca };
    expect(await look({ url, tls, ...h2 })).toBe(`${url} takes connections; nothing was sent to it`);
    await expect(look({ url, ...h2 })).rejects.toThrow(
      /can't be reached: .*(certificate|issuer)[^;]* \(tls\.ca names the file of a CA of your own\)$/i,
    );
    expect(receiver.arrivals).toEqual([]);
  });

  test('goes through the proxy', async () => {
    const receiver = await receive(() => 200, { tls: certificates.server });
    const tunnels: string[] = [];
    const proxy = http.createServer().on('connect', (request, socket) => {
      tunnels.push(request.url ?? '');
      const upstream = connect(receiver.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const each of [socket, upstream]) each.on('error', () => undefined);
    });
    const port = await listening(proxy);
    const url = `https://receiver.test:${receiver.port}`;
    const options = { url, tls: { ca: certificates.files.ca }, proxy: `http://me:geheim@127.0.0.1:${port}` };
    expect(await look(options)).toContain('takes connections');
    expect(tunnels).toEqual([`receiver.test:${receiver.port}`]);
    expect(receiver.arrivals).toEqual([]);
  });

  test('fetches a token where one is needed, and shows no secret where it gets none', async () => {
    const receiver = await receive();
    const answers = [
      {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: '{"access_token":"t","token_type":"bearer"}',
      },
    ];
    const tokens = await receive(() => answers.shift() ?? { status: 401, body: 'geheim is wrong' });
    const oauth2 = { tokenUrl: `${tokens.url}/token`, clientId: 'me', clientSecret: 'geheim' };
    const options = { url: receiver.url, auth: { oauth2 } };
    expect(await look(options)).toContain('its token could be fetched');
    const refusal = await look(options).catch(String);
    expect(refusal).toContain('gives no token');
    expect(refusal).not.toContain('geheim');
    expect(receiver.arrivals).toEqual([]);
  });

  test('ends where nobody answers', async () => {
    const silent = createServer((socket) => void open.push({ close: async () => void socket.destroy() }));
    const port = await listening(silent);
    const url = `https://127.0.0.1:${port}`;
    await expect(look({ url, timeout: { connect: '300ms' } })).rejects.toThrow(`${url} can't be reached`);
  });
});

async function listening(server: ReturnType<typeof createServer> | http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
  // A server that listens on TCP has an address with a port.
  return (server.address() as AddressInfo).port;
}
