import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32, gzip, zstdCompress } from 'node:zlib';
import type { Delivery } from '../../notification/envelope.ts';
import { nameOf } from './object-key.ts';
import type { S3SinkOptions } from './options.ts';

/** What is stored: a key, headers that tell of it, and its bytes. */
export interface StoredObject {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** An envelope a line. */
export async function objectOf(
  batch: readonly Delivery[],
  prefix: string,
  options: S3SinkOptions,
): Promise<StoredObject> {
  const lines = Buffer.from(batch.map(({ json }) => `${json}\n`).join(''));
  const { compress, type, extension } = forms[options.compress];
  const body = await compress(lines);
  return {
    key: `${prefix}${nameOf(batch, crc32(lines), extension)}`,
    headers: { 'content-type': type, ...checksums[options.checksum](body), ...settingsOf(options) },
    body,
  };
}

interface Form {
  readonly compress: (lines: Buffer) => Promise<Buffer>;
  readonly type: string;
  readonly extension: string;
}

/** No `content-encoding`: a client that took the compression off on the way would make another file of it. */
const forms: Readonly<Record<S3SinkOptions['compress'], Form>> = {
  none: { compress: async (lines) => lines, type: 'application/x-ndjson', extension: 'ndjson' },
  gzip: { compress: promisify(gzip), type: 'application/gzip', extension: 'ndjson.gz' },
  zstd: { compress: promisify(zstdCompress), type: 'application/zstd', extension: 'ndjson.zst' },
};

const checksums: Readonly<Record<S3SinkOptions['checksum'], (body: Buffer) => Record<string, string>>> = {
  none: () => ({}),
  md5: (body) => ({ 'content-md5': hash('md5', body, 'base64') }),
  sha256: (body) => ({ 'x-amz-checksum-sha256': hash('sha256', body, 'base64') }),
};

function settingsOf({ storageClass, encryption, metadata }: S3SinkOptions): Record<string, string> {
  const { algorithm, keyId } = encryption;
  return {
    ...(storageClass !== undefined && { 'x-amz-storage-class': storageClass }),
    ...(algorithm !== undefined && { 'x-amz-server-side-encryption': algorithm }),
    ...(keyId !== undefined && { 'x-amz-server-side-encryption-aws-kms-key-id': keyId }),
    ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name.toLowerCase()}`, value])),
  };
}
