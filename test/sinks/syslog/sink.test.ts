import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import koffi from 'koffi';
import pino from 'pino';
import { checkConfig } from '../../../src/config/load.ts';
import { createReshape } from '../../../src/routes/reshape.ts';
import { shape } from '../../../src/routes/shape.ts';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { createMessages, octetCounted } from '../../../src/sinks/syslog/message.ts';
import type { SyslogSinkOptions } from '../../../src/sinks/syslog/options.ts';
import { syslogSink } from '../../../src/sinks/syslog/sink.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { configFolder, given } from '../../support/config-folder.ts';
import { delivery, deliveryFrom, entry } from '../../support/notification.ts';
import { runs } from '../../support/runs.ts';
import { syslogOptions } from '../../support/syslog.ts';
import { until } from '../../support/until.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { syslog as syslogContract, syslogPlace } from '../contract/syslog.ts';

const { signal } = new AbortController();
const context = { route: 'r', log: pino({ level: 'silent' }) };
const sockets = new Set<Socket>();
let certificates: Certificates;
let sink: Sink | undefined;
let server: Server | undefined;

beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());
afterEach(async () => {
  await sink?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
});

keepsTheContract(syslogContract, () => syslogPlace(certificates));

describe('a message', () => {
  test('has what RFC 5424 asks for, whatever is in a notification', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, (event, accountId, zone) => {
        const one = deliveryFrom(entry({ id: 'i', event, accountId, zone }));
        const message = createMessages({ ...syslogOptions, hostname: 'h' })(one).text;
        const [, id, data = '', json] =
          /^<30>1 \S{24} h kazoo-relay \d+ ([!-~]{1,32}) \[kazoo@32473((?: \w+="(?:[^"\\\]]|\\["\\\]])*")*)\] (.*)$/s.exec(
            message,
          ) ?? [];
        expect(json).toBe(one.json);
        expect(id).toBeDefined();
        const [, value] = / account_id="((?:[^"\\]|\\.)*)"/s.exec(data) ?? [];
        expect(value?.replace(/\\(["\\\]])/g, '$1')).toBe(Buffer.from(accountId).toString());
      }),
      runs(200),
    );
  });

  test('has only what the route leaves of the envelope', () => {
    const bare = shape(entry({ id: '1' }), [], createReshape({ pick: ['id'], omit: [], set: {} }), false);
    const message = createMessages({ ...syslogOptions, hostname: 'h' })(bare).text;
    expect(message).toMatch(/^<30>1 - h kazoo-relay \d+ - \[kazoo@32473 id="1"\] \{/);
  });

  test('is preceded by the number of its bytes', () => {
    expect(octetCounted([{ text: '<1>ü', size: 5 }])).toBe('5 <1>ü');
  });
});

describe('the syslog sink', () => {
  test('makes a dead letter of what is larger than the server takes, and delivers the others', async () => {
    const { port, received } = await listen(createServer());
    sink = await open({ url: `tcp://127.0.0.1:${port}` });
    const large = deliveryFrom(entry({ id: 'large', data: { text: 'x'.repeat(9_000) } }));
    expect(await sink.deliver([delivery('1'), large, delivery('2')], signal)).toEqual([
      { status: 'delivered' },
      {
        status: 'dead',
        reason: expect.stringMatching(/^the message has 9\.\d KiB, more than maxSize \(8\.0 KiB\): raise it/),
      },
      { status: 'delivered' },
    ]);
    await until(() => received().includes('id="2"'), { what: 'the last one' });
    expect(received()).not.toContain('large');
  });

  test('speaks TLS, and to nobody whose certificate is another’s', async () => {
    const { port, received } = await listen(createTlsServer({ ...certificates.server }));
    const url = `tls://localhost:${port}`;
    const tls = { ...syslogOptions.tls, ca: certificates.files.ca };
    sink = await open({ url, tls });
    await sink.deliver([delivery('1')], signal);
    await until(() => received().includes('id="1"'), { what: 'the message' });
    const refused: readonly (readonly [Partial<SyslogSinkOptions['tls']>, RegExp])[] = [
      [{ ca: certificates.files.other }, /certificate/],
      [{ serverName: 'other.test' }, /other\.test/],
      [{ ca: '/nowhere.pem' }, /tls\.ca, \/nowhere\.pem/],
    ];
    for (const [other, reason] of refused) {
      const opened = await open({ url, tls: { ...tls, ...other } });
      const failure: unknown = await opened.deliver([delivery('secret')], signal).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(SinkUnavailable);
      expect(String(failure)).toMatch(reason);
    }
    expect(received()).not.toContain('secret');
  });

  test('delivers nothing to a TLS server that wants another certificate of it, or one at all', async () => {
    const { port, received } = await listen(
      createTlsServer({ ...certificates.server, ca: certificates.ca, requestCert: true, rejectUnauthorized: true }),
    );
    const url = `tls://localhost:${port}`;
    const tls = { ...syslogOptions.tls, ca: certificates.files.ca };
    sink = await open({ url, tls });
    for (const id of ['1', '2'])
      await expect(sink.deliver([delivery(id)], signal)).rejects.toThrow('tls.cert and tls.key');
    await expect(syslogSink.connectionTest({ ...syslogOptions, url, tls }, context)).rejects.toThrow(SinkUnavailable);
    const { cert, key } = certificates.files;
    const known = await open({ url, tls: { ...tls, cert, key } });
    await known.deliver([delivery('3')], signal);
    await until(() => received().includes('id="3"'), { what: 'the message' });
    await known.close();
    expect(received()).not.toMatch(/id="[12]"/);
  });

  test('gives a TLS server no address as its name', async () => {
    const names: string[] = [];
    const SNICallback = (name: string, done: (error: null) => void) => {
      names.push(name);
      done(null);
    };
    const { port } = await listen(createTlsServer({ ...certificates.server, SNICallback }));
    const tls = { ...syslogOptions.tls, ca: certificates.files.ca };
    const byAddress = await open({ url: `tls://127.0.0.1:${port}`, tls });
    await expect(byAddress.deliver([delivery('1')], signal)).rejects.toThrow(SinkUnavailable);
    sink = await open({ url: `tls://localhost:${port}`, tls });
    await sink.deliver([delivery('1')], signal);
    expect(names).toEqual(['localhost']);
  });

  test.each(['udp', 'unix'])('makes a dead letter of what no datagram can hold, over %s', async (protocol) => {
    const reader = createSocket('udp4').bind(0, '127.0.0.1');
    await once(reader, 'listening');
    const socket = bindUnixDatagrams();
    const url = protocol === 'udp' ? `udp://127.0.0.1:${reader.address().port}` : `unix://${socket.path}`;
    sink = await open({ url, maxSize: 2 ** 30 });
    const large = deliveryFrom(entry({ id: 'large', data: { text: 'x'.repeat(10_000_000) } }));
    const dead = { status: 'dead', code: 'EMSGSIZE', reason: expect.stringContaining('more than a datagram takes') };
    const ok = { status: 'delivered' };
    expect(await sink.deliver([delivery('1'), large, delivery('2')], signal)).toEqual([ok, dead, ok]);
    reader.close();
    socket.remove();
  });

  test('tells which of a batch a Unix socket has taken, and closes no file of anybody’s, where it closes meanwhile', async () => {
    const socket = bindUnixDatagrams();
    sink = await open({ url: `unix://${socket.path}` });
    // More than its queue holds, which nobody reads.
    const sending = sink.deliver(
      Array.from({ length: 2_000 }, (_, at) => delivery(String(at))),
      signal,
    );
    await until(() => socket.isFull(), { what: 'its queue to be full' });
    const before = new Set(readdirSync('/proc/self/fd'));
    await sink.close();
    const free = [...before].filter((number) => !existsSync(`/proc/self/fd/${number}`));
    const files = free.map(() => openSync('/dev/null', 'w'));
    const [first, ...others] = await sending;
    expect(first).toEqual({ status: 'delivered' });
    expect(others.at(-1)).toMatchObject({ status: 'retry', away: true, reason: expect.stringContaining('closed') });
    for (const file of files) closeSync(file);
    socket.remove();
  });

  test('leaves no socket of UDP that can’t be connected', async () => {
    // Only a socket that is allowed to speak to all may have this address.
    sink = await open({ url: 'udp://255.255.255.255:514' });
    await expect(sink.deliver([delivery('1')], signal)).rejects.toThrow(SinkUnavailable);
    await until(() => !process.getActiveResourcesInfo().includes('UDPWrap'), { what: 'its end', timeout: 2_000 });
  });

  test('doesn’t wait for a server that reads nothing longer than it may', async () => {
    const { port } = await listen(createServer({ pauseOnConnect: true }));
    sink = await open({ url: `tcp://127.0.0.1:${port}`, maxSize: 2 ** 30 });
    const late = new AbortController();
    const large = deliveryFrom(entry({ id: 'large', data: { text: 'x'.repeat(20_000_000) } }));
    const delivering = sink.deliver([large], late.signal);
    await until(() => sockets.size > 0, { what: 'the connection' });
    late.abort(new Error('late'));
    await expect(delivering).rejects.toThrow('late');
    for (const socket of sockets) socket.resume();
    await until(() => [...sockets].every((socket) => socket.destroyed), { what: 'the end of the connection' });
  });
});

const folder = configFolder();

test.each([
  ['syslog://h:1', 'must be a URL such as'],
  ['tcp://h', 'must be a URL such as'],
  ['tcp://h:99999', 'must be a URL such as'],
  ['unix://relative', 'must be a URL such as'],
  ['tcp://h:1/path', 'must be a URL such as'],
])('refuses the url %s', (url, message) => {
  const config = {
    brokers: [{ zone: 'west', url: 'amqp://127.0.0.1' }],
    routes: { r: { sink: { type: 'syslog', url } } },
  };
  const { errors } = checkConfig(folder.write('relay.yaml', JSON.stringify(config)), given({}));
  expect(errors.map((error) => error.message)).toEqual([expect.stringContaining(message)]);
});

function open(options: Partial<SyslogSinkOptions>): Promise<Sink> {
  return syslogSink.open({ ...syslogOptions, ...options }, context);
}

/** A Unix socket of datagrams that nobody reads. */
function bindUnixDatagrams() {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-syslog-'));
  const path = join(folder, 'log');
  const c = koffi.load('libc.so.6');
  const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path), Buffer.from([0])]);
  const make = c.func('int socket(int domain, int type, int protocol)');
  const close = c.func('int close(int fd)');
  const descriptors = [make(AF_UNIX, SOCK_DGRAM, 0), make(AF_UNIX, SOCK_DGRAM, 0)];
  const [reader, other] = descriptors;
  c.func('int bind(int fd, const void *address, uint32_t length)')(reader, address, address.length);
  const send = c.func(
    'intptr_t sendto(int fd, const void *bytes, size_t length, int flags, const void *to, uint32_t size)',
  );
  return {
    path,
    /** What it does to find out fills the queue too. */
    isFull: () => send(other, Buffer.from('x'), 1, MSG_DONTWAIT, address, address.length) < 0,
    remove() {
      for (const descriptor of descriptors) close(descriptor);
      rmSync(folder, { recursive: true });
    },
  };
}

async function listen(listener: Server): Promise<{ port: number; received(): string }> {
  const chunks: Buffer[] = [];
  server = listener;
  listener.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  listener.on('secureConnection', (socket: Socket) => socket.on('data', (chunk: Buffer) => chunks.push(chunk)));
  if (!('setSecureContext' in listener))
    listener.on('connection', (socket) => socket.on('data', (chunk: Buffer) => chunks.push(chunk)));
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  return { port: (listener.address() as AddressInfo).port, received: () => Buffer.concat(chunks).toString() }; // it listens on a port
}
