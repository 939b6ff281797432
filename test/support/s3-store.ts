import { createHash, createHmac } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Receiver, type Reply, startReceiver } from './receiver.ts';

/** Who may come in. */
export const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'geheim/EXAMPLE+KEY' };

interface Kept {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One bucket, `archive`, that checks each signature by itself, and makes the faults that a real store can't be asked for. */
export interface TestStore extends Receiver {
  /** By key. */
  readonly objects: ReadonlyMap<string, Kept>;
  /** The lines of all objects, in the order of their keys. */
  lines(): string[];
  /** Its answer in place of what it would do; undefined where it does that. */
  fault:
    | ((put: { readonly key: string; readonly body: Buffer }) => Reply | undefined | Promise<Reply | undefined>)
    | undefined;
  secretAccessKey: string;
}

export async function startStore(tls?: ServerOptions): Promise<TestStore> {
  const objects = new Map<string, Kept>();
  const receiver = await startReceiver(
    async ({ method, path: url, headers, bytes }) => {
      const { pathname, searchParams } = new URL(url, 'http://store');
      const wrong = mistakeIn({ method, url, headers, body: bytes }, store.secretAccessKey);
      if (wrong !== undefined) return refusal(403, wrong, 'refused');
      const [, bucket, ...rest] = pathname.split('/').map(decodeURIComponent);
      if (bucket !== 'archive') return refusal(404, 'NoSuchBucket', 'The specified bucket does not exist');
      const key = rest.join('/');
      const fault = await store.fault?.({ key, body: bytes });
      if (fault !== undefined) return fault;
      if (method === 'GET') return { status: 200, body: `<ListBucketResult>${[...searchParams]}</ListBucketResult>` };
      objects.set(key, { headers, body: bytes });
      return 200;
    },
    tls === undefined ? {} : { tls },
  );
  const store: TestStore = Object.assign(receiver, {
    objects,
    lines: () => [...objects.keys()].sort().flatMap((key) => linesIn(key, objects.get(key)?.body ?? Buffer.alloc(0))),
    fault: undefined,
    secretAccessKey: credentials.secretAccessKey,
  });
  return store;
}

/** An answer as S3 gives it. */
export function refusal(status: number, code: string, message: string, more = '', headers = {}): Reply {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>R</RequestId></Error>`;
  return { status, body, headers: { 'content-type': 'application/xml', ...headers } };
}

/** The lines of an object, by what its key ends with. */
export function linesIn(key: string, body: Buffer): string[] {
  const text = key.endsWith('.gz') ? gunzipSync(body) : key.endsWith('.zst') ? zstdDecompressSync(body) : body;
  return text.toString().split('\n').slice(0, -1);
}

interface Signed {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** By Signature Version 4, as AWS describes it for who checks one; the code of the refusal, if there is one. */
function mistakeIn({ method, url, headers, body }: Signed, secret: string): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/((\d{8})\/([^/]+)\/s3\/aws4_request), SignedHeaders=(\S+), Signature=(\w+)$/;
  const [, id, scope, day = '', region = '', names = '', signature] = form.exec(String(headers.authorization)) ?? [];
  if (id !== credentials.accessKeyId) return 'InvalidAccessKeyId';
  if (headers['x-amz-content-sha256'] !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  const { pathname, searchParams } = new URL(url, 'http://store');
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = [
    method,
    pathname
      .split('/')
      .map((part) => encode(decodeURIComponent(part)))
      .join('/'),
    [...searchParams]
      .map((pair) => pair.map(encode).join('='))
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  return hmac(key, toSign).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch';
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
