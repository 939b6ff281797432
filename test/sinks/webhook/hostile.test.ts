import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { openForTest } from '../../support/open-for-test.ts';
import { startRawServer } from '../../support/receiver.ts';
import { until } from '../../support/until.ts';
import type { OpenWebhook } from '../../support/webhook.ts';

const { open, receive, webhook } = openForTest();
const ok = 'HTTP/1.1 200 OK\r\n';
const away = { status: 'retry', away: true };

describe('a receiver that', () => {
  test.each<[what: string, answer: string]>([
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['speaks nonsense', '\x00\xff\x00\xff'.repeat(100)],
    ['has no such version', 'HTTP/9.9 200 OK\r\n\r\n'],
    ['has no such status', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['has a status below all', 'HTTP/1.1 000 OK\r\ncontent-length: 0\r\n\r\n'],
    ['sends headers that are none', `${ok}no colon here\r\n\r\n`],
    ['sends huge headers', `${ok}x: ${'x'.repeat(1_000_000)}\r\n\r\n`],
    ['sends many headers', `${ok}${'x: y\r\n'.repeat(100_000)}\r\n`],
    ['sends two lengths', `${ok}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
    ['wants another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['ends in the middle of its headers', `${ok}content-le`],
    ['ends without a word', ''],
  ])('%s is away', async (_what, answer) => {
    const sink = await against((socket) => socket.once('data', () => socket.end(answer)));
    expect(await sink.send()).toMatchObject(away);
  });

  test('resets the connection is away', async () => {
    const sink = await against((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await sink.send()).toMatchObject(away);
  });

  test('resets the connection before it has read anything is away', async () => {
    const sink = await against((socket) => socket.resetAndDestroy());
    expect(await sink.send()).toMatchObject(away);
  });

  test('takes the connection and says nothing is away when the time is up, for all that wait', async () => {
    const sink = await against(() => undefined, { timeout: { total: '100ms' }, concurrency: 2 });
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => sink.send()));
    expect(outcomes).toEqual(Array(6).fill({ ...away, reason: 'no answer within 100 ms', code: 'ETIMEDOUT' }));
  });

  test('sends its headers by drops is away when the time is up', async () => {
    const sink = await against((socket) => drip(socket, ok, 'x'), { timeout: { total: '200ms' } });
    expect(await sink.send()).toMatchObject({ ...away, code: 'ETIMEDOUT' });
  });

  test('only ever says that it goes on is away when the time is up', async () => {
    const sink = await against((socket) => drip(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n'), {
      timeout: { total: '200ms' },
    });
    expect(await sink.send()).toMatchObject({ ...away, code: 'ETIMEDOUT' });
  });

  test.each<[what: string, parts: readonly string[]]>([
    ['says before that it goes on, unasked', ['HTTP/1.1 100 Continue\r\n\r\n', `${ok}content-length: 0\r\n\r\n`]],
    [
      'says so twice, with headers',
      [`${'HTTP/1.1 100 Go on\r\nx: y\r\n\r\n'.repeat(2)}${ok}content-length: 2\r\n\r\nok`],
    ],
    ['says so by letters', [...`HTTP/1.1 100 Continue\r\n\r\n${ok}content-length: 0\r\n\r\n`]],
    ['has other hints before', [`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${ok}content-length: 0\r\n\r\n`]],
    ['has a length and chunks', [`${ok}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`]],
    ['has chunks and a length', [`${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`]],
  ])('says 200 and %s has it delivered, once', async (_what, parts) => {
    let requests = 0;
    const sink = await against((socket) =>
      socket.on('data', async () => {
        requests += 1;
        for (const part of parts) await new Promise((resolve) => socket.write(part, resolve));
      }),
    );
    for (const count of [1, 2]) {
      expect(await sink.send()).toMatchObject({ status: 'delivered' });
      expect(requests).toBe(count);
    }
  });

  test.each<[what: string, more: string, connections: number]>([
    ['a length', 'content-length: 2\r\n', 2],
    ['no length', '', 1],
  ])('answers in chunks with %s beside them is sent to over as many connections', async (_what, more, connections) => {
    const answer = `${ok}${more}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`;
    let opened = 0;
    const handle = (socket: Socket) => {
      opened += 1;
      socket.on('data', () => socket.write(answer));
    };
    const sink = await against(handle, { concurrency: 1 });
    for (const _ of [1, 2]) expect(await sink.send()).toMatchObject({ status: 'delivered' });
    expect(opened).toBe(connections);
  });

  test('goes on, unasked, and then refuses has its refusal heard', async () => {
    const answer = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 No\r\ncontent-length: 3\r\n\r\nwhy';
    const sink = await against((socket) => socket.on('data', () => socket.write(answer)));
    expect(await sink.send()).toMatchObject({ status: 'dead', reason: 'answered 400: why' });
  });

  test.each<[what: string, answer: string, reason: string]>([
    ['status', 'HTTP/1.1 000 OK\r\ncontent-length: 0\r\n\r\n', 'its answer has the status 000, which HTTP has not'],
    ['header', `${ok}no colon here\r\n\r\n`, 'its answer is no HTTP that can be read: '],
    ['amount of headers', `${ok}x: ${'x'.repeat(100_000)}\r\n\r\n`, 'its answer is no HTTP that can be read: '],
  ])('answers with an odd %s is named so', async (_what, answer, reason) => {
    const sink = await against((socket) => socket.once('data', () => socket.end(answer)));
    expect(await sink.send()).toMatchObject({ ...away, reason: expect.stringContaining(reason) });
  });

  test.each<[what: string, head: string, drop: string]>([
    ['never ends its body', `${ok}content-length: 1000000\r\n\r\n`, 'x'],
    ['never ends its chunks', `${ok}transfer-encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
  ])('says 200 and %s has it delivered', async (_what, head, drop) => {
    const sink = await against((socket) => drip(socket, head, drop), { timeout: { total: '200ms' } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test.each<[what: string, answer: string]>([
    ['closes in the middle of its body', `${ok}content-length: 1000\r\n\r\nhalf`],
    ['breaks its chunks', `${ok}transfer-encoding: chunked\r\n\r\nzz\r\nx`],
  ])('says 200 and %s has it delivered', async (_what, answer) => {
    const sink = await against((socket) => socket.once('data', () => socket.end(answer)));
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test('answers forever is cut off after 64 KiB, and its status counts', async () => {
    let sent = 0;
    let isCut = false;
    const flood = (socket: Socket, head: string) => {
      const chunk = Buffer.alloc(16 * 1024, 'x');
      const pour = () => {
        while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
      };
      socket.on('drain', pour);
      socket.on('close', () => {
        isCut = true;
      });
      socket.write(head);
      pour();
    };
    const sink = await against((socket) => void socket.once('data', () => flood(socket, 'HTTP/1.1 500 No\r\n\r\n')));
    const outcome = await sink.send();
    expect(outcome).toMatchObject({ status: 'retry', code: 500 });
    expect(outcome?.status === 'retry' ? outcome.reason.length : 0).toBeLessThanOrEqual(1_100);
    await until(() => isCut, { what: 'the end of the connection' });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('answers before it was asked, or twice, confuses nobody', async () => {
    const answer = `${ok}content-length: 0\r\n\r\n`;
    const sink = await against((socket) => socket.on('data', () => socket.write(answer + answer)));
    for (let count = 0; count < 5; count += 1) {
      expect((await sink.send())?.status).toMatch(/delivered|retry/);
    }
  });

  test('closes each connection when it feels like it costs another try, no more', async () => {
    const sink = await against((socket) => {
      socket.once('data', () => socket.write(`${ok}content-length: 0\r\n\r\n`));
      socket.on('data', () => setImmediate(() => socket.end()));
    });
    const outcomes = [];
    for (let count = 0; count < 20; count += 1) outcomes.push((await sink.send())?.status);
    expect(outcomes).toContain('delivered');
    expect(outcomes.every((status) => status === 'delivered' || status === 'retry')).toBe(true);
  });

  test('has answered with an error is sent to again as soon as it is well', async () => {
    let isIll = true;
    const receiver = await receive(() => (isIll ? 500 : 200));
    const sink = await webhook({ url: receiver.url });
    expect(await sink.send()).toMatchObject({ status: 'retry' });
    isIll = false;
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });
});

describe('over HTTP/2, a receiver that', () => {
  let certificates: Certificates;

  beforeAll(async () => {
    certificates = await makeCertificates();
  });

  afterAll(() => certificates.remove());

  test.each<[what: string, answer: Answer]>([
    ['resets the stream', (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)],
    ['ends the session', (stream) => stream.session?.destroy()],
    ['says goodbye', (stream) => stream.session?.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)],
    ['never answers', () => undefined],
  ])('%s is away, and the next request goes through', async (_what, answer) => {
    const sink = await againstFirst(answer);
    expect(await sink.send()).toMatchObject(away);
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  test('refuses a stream has not looked at it, and is asked again at once', async () => {
    const sink = await againstFirst((stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM));
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
  });

  type Answer = (stream: http2.ServerHttp2Stream) => void;

  /** A sink whose receiver answers the first request so, and all others as it should. */
  async function againstFirst(answer: Answer): Promise<OpenWebhook> {
    let count = 0;
    const server = http2.createSecureServer({ ...certificates.server });
    server.on('sessionError', () => undefined);
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      count += 1;
      if (count === 1) answer(stream);
      else stream.respond({ ':status': 200 }, { endStream: true });
    });
    const receiver = await receive(() => 200, { server });
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    return webhook({ url, timeout: { total: '500ms' }, tls: { ca: certificates.files.ca } });
  }
});

/** Writes the head once something has come, and then a drop now and then, as long as anybody listens. */
function drip(socket: Socket, head: string, drop: string): void {
  socket.once('data', () => {
    socket.write(head);
    const timer = setInterval(() => socket.write(drop), 10);
    socket.on('close', () => clearInterval(timer));
  });
}

async function against(handle: (socket: Socket) => void, options: object = {}): Promise<OpenWebhook> {
  const receiver = await startRawServer(handle);
  open.push(receiver);
  return webhook({ url: receiver.url, ...options });
}
