import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pino from 'pino';
import { s3Sink } from '../../../src/sinks/s3/sink.ts';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { delivery, deliveryFrom, entry } from '../../support/notification.ts';
import { startRawServer } from '../../support/receiver.ts';
import { credentials, refusal, startStore, type TestStore } from '../../support/s3-store.ts';
import { sinkOptions } from '../../support/sink-options.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { s3, s3Place } from '../contract/s3.ts';

const { signal } = new AbortController();
const context = { route: 'r', log: pino({ level: 'silent' }) };
const delivered = { status: 'delivered', code: 200 };
let certificates: Certificates;
let store: TestStore;
let sink: Sink | undefined;

beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  store = await startStore();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await sink?.close();
  await store.close();
});

keepsTheContract(s3, () => s3Place(certificates));

describe('an object', () => {
  test.each([
    ['gzip', 'application/gzip', 'ndjson.gz'],
    ['zstd', 'application/zstd', 'ndjson.zst'],
    ['none', 'application/x-ndjson', 'ndjson'],
  ] as const)('has an envelope a line, as %s', async (compress, type, extension) => {
    const batch = [delivery('1'), deliveryFrom(entry({ id: '2', data: { text: 'ü\n💥' } }))];
    expect(await (await open({ compress })).deliver(batch, signal)).toEqual([delivered, delivered]);
    expect(store.lines()).toEqual(batch.map(({ json }) => json));
    const [[key, kept] = ['']] = store.objects;
    expect(key).toMatch(new RegExp(`^2023-11-14/20231114T221320Z_1_2_[0-9a-f]{8}\\.${extension}$`));
    expect(kept?.headers).toMatchObject({ 'content-type': type });
    expect(kept?.headers).not.toHaveProperty('content-encoding');
  });

  test('is of one prefix, and each has its own outcome', async () => {
    const batch = ['a', 'b', 'a', 'c'].map((accountId, at) => deliveryFrom(entry({ id: String(at), accountId })));
    store.fault = ({ key }) => (key.startsWith('b/') ? refusal(403, 'AccessDenied', 'Access Denied') : undefined);
    const outcomes = await (await open({ prefix: '{account_id}/' })).deliver(batch, signal);
    expect(outcomes).toEqual([
      delivered,
      { status: 'retry', reason: expect.stringMatching(/answered 403 AccessDenied/), code: 403, away: true },
      delivered,
      delivered,
    ]);
    expect([...store.objects.keys()].map((key) => key.replace(/_[0-9a-f]{8}\..*/, '')).sort()).toEqual([
      'a/20231114T221320Z_0_2',
      'c/20231114T221320Z_3_3',
    ]);
  });

  test('replaces itself when it comes again, and never one that holds something else', async () => {
    const opened = await open({});
    const [one, two, three] = [delivery('1'), delivery('2'), delivery('3')];
    for (const batch of [
      [one, two, three],
      [one, two, three],
      [one, three],
    ])
      await opened.deliver(batch, signal);
    const ids = store.lines().map((line) => JSON.parse(line).id);
    expect(store.objects.size).toBe(2);
    expect(ids.sort()).toEqual(['1', '1', '2', '3', '3']);
  });

  test('goes with the headers that the options ask for, all of them signed', async () => {
    await (
      await open({
        checksum: 'sha256',
        storageClass: 'STANDARD_IA',
        encryption: { algorithm: 'aws:kms', keyId: 'alias/kazoo' },
        metadata: { Source: 'kazoo  relay (west)' },
        sessionToken: 'session/token+=',
      })
    ).deliver([delivery('1')], signal);
    const headers = [...store.objects.values()][0]?.headers ?? {};
    expect(headers).toMatchObject({
      'x-amz-checksum-sha256': expect.stringMatching(/^[\w+/]{43}=$/),
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/kazoo',
      'x-amz-meta-source': 'kazoo  relay (west)',
      'x-amz-security-token': 'session/token+=',
    });
    const signed = /SignedHeaders=([^,]+)/.exec(String(headers.authorization))?.[1]?.split(';');
    expect(signed).toEqual(expect.arrayContaining(Object.keys(headers).filter((name) => name.startsWith('x-amz-'))));
  });

  test('is halved until the store takes it, and dead is only the notification that is too large by itself', async () => {
    store.fault = ({ body }) => (body.length > 1_500 ? 413 : undefined);
    const batch = [1, 2, 3, 4, 5].map((at) =>
      deliveryFrom(entry({ id: String(at), data: { text: 'x'.repeat(at === 3 ? 2_000 : 200) } })),
    );
    const outcomes = await (await open({ compress: 'none' })).deliver(batch, signal);
    expect(outcomes.map(({ status }) => status)).toEqual(['delivered', 'delivered', 'dead', 'delivered', 'delivered']);
    expect(
      store
        .lines()
        .map((line) => JSON.parse(line).id)
        .sort(),
    ).toEqual(['1', '2', '4', '5']);
  });
});

describe('the s3 sink', () => {
  test('sends no more objects at a time than it may', async () => {
    const full = Promise.withResolvers<void>();
    let now = 0;
    let most = 0;
    store.fault = async () => {
      now += 1;
      most = Math.max(most, now);
      if (now === 3) full.resolve();
      await full.promise;
      now -= 1;
      return undefined;
    };
    const batch = Array.from({ length: 40 }, (_, at) => deliveryFrom(entry({ id: String(at), accountId: `a${at}` })));
    await (await open({ prefix: '{account_id}/', concurrency: 3 })).deliver(batch, signal);
    expect(store.objects.size).toBe(40);
    expect(most).toBe(3);
  });

  test('asks for no more of a store that is away, and keeps what it has taken', async () => {
    store.fault = ({ key }) => (key.startsWith('a2/') ? refusal(503, 'SlowDown', 'Reduce your rate') : undefined);
    const batch = [1, 2, 3, 4].map((at) => deliveryFrom(entry({ id: String(at), accountId: `a${at}` })));
    const opened = await open({ prefix: '{account_id}/', concurrency: 1 });
    const outcomes = await opened.deliver(batch, signal);
    const away = { status: 'retry', reason: expect.stringMatching(/503 SlowDown/), away: true };
    expect(outcomes).toMatchObject([delivered, away, away, away]);
    expect(store.arrivals).toHaveLength(2);
    await expect(opened.deliver(batch.slice(1), signal)).rejects.toThrow(SinkUnavailable);
  });

  test('doesn’t wait for an answer longer than timeout.total', async () => {
    store.fault = () => new Promise(() => undefined);
    const opened = await open({ timeout: { total: '50ms' } });
    await expect(opened.deliver([delivery('1')], signal)).rejects.toThrow(
      /^the bucket archive at 127\.0\.0\.1:\d+: no answer within 50 ms$/,
    );
  });

  test('hears why it is refused, though the store hangs up before it has read all', async () => {
    const raw = await startRawServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 38\r\n\r\n');
        socket.write('<Error><Code>InvalidAccessKeyId</Code>', () => socket.end());
      });
    });
    const opened = await open({ endpoint: raw.url, compress: 'none' });
    const large = deliveryFrom(entry({ id: '1', data: { text: 'x'.repeat(8_000_000) } }));
    const failure: unknown = await opened.deliver([large], signal).catch((error: unknown) => error);
    await raw.close();
    expect(String(failure)).toContain('InvalidAccessKeyId');
  });

  test('leaves the objects for the next attempt that it has no time for', async () => {
    const { now } = performance;
    store.fault = () => {
      jest.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 20_000);
      return undefined;
    };
    const batch = [1, 2, 3].map((at) => deliveryFrom(entry({ id: String(at), accountId: `a${at}` })));
    const opened = await open({ prefix: '{account_id}/', concurrency: 1 });
    expect(await opened.deliver(batch, signal)).toMatchObject([
      delivered,
      { status: 'retry', reason: expect.stringMatching(/^not stored yet/) },
      { status: 'retry', reason: expect.stringMatching(/^not stored yet/) },
    ]);
  });

  test('shows in a probe what went out and what came back, without the secret', async () => {
    const opened = await open({ sessionToken: 'geheim-token' });
    const report = await opened.probe?.(delivery('1'), signal);
    expect(report).toMatchObject({ answer: expect.stringMatching(/^200\n/), outcome: delivered });
    expect(report?.request).toMatch(
      /^PUT http:\/\/127\.0\.0\.1:\d+\/archive\/2023-11-14\/20231114T221320Z_1_1_\w{8}\.ndjson\.gz\n/,
    );
    expect(report?.request).toMatch(/\nx-amz-meta-kazoo-relay-probe: true\n/);
    expect(report?.request).toMatch(/\nauthorization: AWS4-HMAC-SHA256 \*\*\*\n/);
    expect(report?.request).toContain(`\n\n{"id":"1"`);
    expect(report?.request).not.toContain('geheim');
    store.secretAccessKey = 'another';
    expect(await opened.probe?.(delivery('1'), signal)).toMatchObject({
      answer: expect.stringMatching(/^403\n.*<Code>SignatureDoesNotMatch/s),
      outcome: { status: 'retry', reason: expect.stringContaining('secretAccessKey isn’t that') },
    });
  });

  test.each([
    [{}, 'https://archive.s3.us-east-1.amazonaws.com/2023'],
    [{ region: 'eu-central-1' }, 'https://archive.s3.eu-central-1.amazonaws.com/2023'],
    [{ region: 'cn-north-1' }, 'https://archive.s3.cn-north-1.amazonaws.com.cn/2023'],
    [{ bucket: 'a.b' }, 'https://s3.us-east-1.amazonaws.com/a.b/2023'],
    [{ pathStyle: true }, 'https://s3.us-east-1.amazonaws.com/archive/2023'],
    [{ endpoint: 'https://h:9000/' }, 'https://h:9000/archive/2023'],
    [{ endpoint: 'https://h/storage/v1/s3' }, 'https://h/storage/v1/s3/archive/2023'],
    [{ endpoint: 'https://h:9000', pathStyle: false }, 'https://archive.h:9000/2023'],
  ])('with %j, the bucket is at %s', async (given, url) => {
    sink = await s3Sink.open(sinkOptions(s3Sink, { ...usual(), endpoint: undefined, ...given }), context);
    const report = await sink.probe?.(delivery('1'), AbortSignal.abort());
    expect(report?.request).toMatch(new RegExp(`^PUT ${RegExp.escape(url)}`));
  });
});

describe('the connection test', () => {
  const examine = (given: object) => s3Sink.connectionTest(sinkOptions(s3Sink, { ...usual(), ...given }), context);

  test('stores nothing, and says what it can’t know', async () => {
    expect(await examine({})).toMatch(/^the bucket archive at \S+ can be read with this key; whether it may store/);
    expect(store.arrivals.map(({ method }) => method)).toEqual(['GET']);
  });

  test('passes for a key that may not list the bucket, which it need not', async () => {
    store.fault = () => refusal(403, 'AccessDenied', 'Access Denied');
    expect(await examine({})).toMatch(/answers; the key may not list it, .*; whether it may store/);
    store.fault = () => refusal(400, 'InvalidRequest', 'no');
    await expect(examine({})).rejects.toThrow('answered 400 InvalidRequest: no');
  });

  test.each([
    ['a bucket that isn’t there', { bucket: 'other' }, /NoSuchBucket.*create it/],
    ['a wrong secret', { secretAccessKey: 'wrong' }, /SignatureDoesNotMatch.*secretAccessKey/],
    ['a wrong key', { accessKeyId: 'wrong' }, /InvalidAccessKeyId.*accessKeyId/],
    ['nobody there', { endpoint: 'http://127.0.0.1:1' }, /ECONNREFUSED/],
  ])('fails with %s', async (_, given, message) => {
    await expect(examine(given)).rejects.toThrow(message);
  });
});

test.each([
  [{ endpoint: 'minio:9000' }, 'endpoint must be a URL'],
  [{ endpoint: 'https://me:geheim@h' }, 'endpoint must be without user and password'],
  [{ endpoint: 'https://h/?a=b' }, 'endpoint must end with its path'],
  [{ tls: { ca: '/ca.pem' } }, 'tls.ca is only for a url that begins with https://'],
  [{ bucket: 'a/b' }, 'bucket must be the name'],
  [{ region: 'eu west' }, 'region must be a region'],
  [{ prefix: '../' }, 'prefix has a part'],
  [{ secretAccessKey: 'geheim\n' }, 'secretAccessKey must be printable ASCII'],
  [{ metadata: { 'a:b': 'c' } }, 'metadata.a:b must have a name'],
  [{ metadata: { a: 'Köln' } }, 'metadata.a must be printable ASCII'],
  [{ encryption: { keyId: 'k' } }, 'encryption.keyId needs the algorithm aws:kms'],
  [{ timeout: { total: '2h' } }, 'timeout.total must be an hour at most'],
  [{ proxy: 'socks://h' }, 'proxy must be environment, none'],
])('refuses %j: %s', (given, message) => {
  const check = () => sinkOptions(s3Sink, { ...usual(), ...given });
  expect(check).toThrow(message);
  expect(check).not.toThrow('geheim');
});

function usual(): Record<string, unknown> {
  return { ...credentials, endpoint: store?.url ?? 'http://127.0.0.1:1', bucket: 'archive', proxy: 'none' };
}

async function open(given: object): Promise<Sink> {
  sink = await s3Sink.open(sinkOptions(s3Sink, { ...usual(), ...given }), context);
  return sink;
}
