import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Delivery } from '../../../src/notification/envelope.ts';
import { s3Sink } from '../../../src/sinks/s3/sink.ts';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { hostileTexts } from '../../support/hostile-texts.ts';
import { deliveryFrom, entry } from '../../support/notification.ts';
import { linesIn } from '../../support/s3-store.ts';
import { sinkOptions } from '../../support/sink-options.ts';
import { startSwift, type TestSwift } from '../../support/swift.ts';

const { signal } = new AbortController();
const context = { route: 'r', log: pino({ level: 'silent' }) };
let swift: TestSwift;
let sink: Sink | undefined;

beforeAll(async () => {
  swift = await startSwift();
  expect((await swift.ask('archive', 'PUT')).status).toBe(200);
});
afterAll(() => swift.close());
afterEach(async () => {
  await sink?.close();
  sink = undefined;
});

test.each(['gzip', 'zstd', 'none'] as const)('Swift keeps each line, as %s', async (compress) => {
  const batch = deliveries(1_000, (at) => ({ accountId: `a${at % 3}` }));
  const opened = await open({ compress, prefix: `${compress}/{date}/{account_id}/` });
  expect(await statusesOf(opened, batch)).toEqual(['delivered']);
  const keys = await keysUnder(`${compress}/`);
  expect(keys.map((key) => key.split('/').slice(1, -1).join('/'))).toEqual([
    '2023-11-14/a0',
    '2023-11-14/a1',
    '2023-11-14/a2',
  ]);
  expect((await linesOf(keys)).sort()).toEqual(batch.map(({ json }) => json).sort());
});

test('Swift takes a key of every hostile text, and the sum and the metadata that go with it', async () => {
  const batch = hostileTexts.flatMap((text) => deliveries(1, () => ({ event: text, accountId: text, zone: text })));
  const opened = await open({
    prefix: "h ü=+&'()!*/{zone}{event}/{account_id}/",
    checksum: 'md5',
    metadata: { source: 'kazoo  relay' },
  });
  expect(await statusesOf(opened, batch)).toEqual(['delivered']);
  const keys = await keysUnder('h ');
  expect((await linesOf(keys)).sort()).toEqual(batch.map(({ json }) => json).sort());
  expect((await swift.ask(`archive/${encodeURIComponent(keys[0] ?? '')}`)).headers.get('x-amz-meta-source')).toMatch(
    /^kazoo +relay$/,
  );
});

test('the same batch has one object, however often it comes', async () => {
  const batch = deliveries(10);
  const opened = await open({ prefix: 'again/' });
  for (let times = 0; times < 3; times += 1) await opened.deliver(batch, signal);
  expect(await keysUnder('again/')).toHaveLength(1);
});

test.each([
  ['another secret', { secretAccessKey: 'another' }, /403 SignatureDoesNotMatch: .*secretAccessKey/],
  ['another key', { accessKeyId: 'test:another' }, /403 (InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied)/],
  ['another bucket', { bucket: 'another' }, /404 NoSuchBucket: .*create it/],
  ['another region', { region: 'eu-west-1' }, /400 AuthorizationHeaderMalformed: .*region us-east-1: set region/],
])('%s is refused, by the connection test too', async (_, given, message) => {
  const opened = await open(given);
  const failure: unknown = await opened.deliver(deliveries(1), signal).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SinkUnavailable);
  expect(String(failure)).toMatch(message);
  await expect(s3Sink.connectionTest(optionsOf(given), context)).rejects.toThrow(message);
});

test('the connection test passes where all is right', async () => {
  expect(await s3Sink.connectionTest(optionsOf({}), context)).toMatch(/^the bucket archive at \S+ can be read/);
});

test('what came while Swift was down is there afterwards', async () => {
  const batch = deliveries(3);
  const opened = await open({ prefix: 'back/' });
  await swift.stop();
  await expect(opened.deliver(batch, signal)).rejects.toThrow(SinkUnavailable);
  await swift.start();
  expect(await opened.deliver(batch, signal)).toMatchObject(batch.map(() => ({ status: 'delivered' })));
  expect(await linesOf(await keysUnder('back/'))).toEqual(batch.map(({ json }) => json));
});

function optionsOf(given: object) {
  return sinkOptions(s3Sink, { ...swift.credentials, endpoint: swift.url, bucket: 'archive', proxy: 'none', ...given });
}

async function open(given: object): Promise<Sink> {
  sink = await s3Sink.open(optionsOf(given), context);
  return sink;
}

async function statusesOf(opened: Sink, batch: readonly Delivery[]): Promise<string[]> {
  return [...new Set((await opened.deliver(batch, signal)).map(({ status }) => status))];
}

let count = 0;

function deliveries(most: number, parts: (at: number) => Parameters<typeof entry>[0] = () => ({})) {
  return Array.from({ length: most }, (_, at) => {
    count += 1;
    return deliveryFrom(entry({ id: `id-${count}`, ...parts(at) }));
  });
}

async function keysUnder(prefix: string): Promise<string[]> {
  const answer = await swift.ask(`archive?list-type=2&prefix=${encodeURIComponent(prefix)}`);
  return [...(await answer.text()).matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = '']) => key.replaceAll('&amp;', '&'));
}

async function linesOf(keys: readonly string[]): Promise<string[]> {
  const objects = keys.map(async (key) => {
    const answer = await swift.ask(`archive/${encodeURIComponent(key)}`);
    return linesIn(key, Buffer.from(await answer.arrayBuffer()));
  });
  return (await Promise.all(objects)).flat();
}
