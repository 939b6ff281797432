import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
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
