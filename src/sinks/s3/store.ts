import { hash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { Deadlines } from '../../common/async/deadlines.ts';
import { type Answer, type Request, roundTrip } from '../http/round-trip.ts';
import { openTransport } from '../http/transport.ts';
import type { S3SinkOptions } from './options.ts';

/** A request to the bucket, signed. */
export type SignedRequest = Request<Uint8Array | null>;

/** One bucket of a store, and the connections to it. */
export class Store {
  readonly #options: S3SinkOptions;
  readonly #bucket: Bucket;
  readonly #dispatcher: ReturnType<typeof openTransport>;
  readonly #deadlines: Deadlines;
  readonly #closing = new AbortController();
  /** The library's: keys made of the secret, one a day. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  /** @throws SinkUnavailable when a file of the TLS options, or a proxy of the environment, can't be used */
  constructor(options: S3SinkOptions) {
    this.#options = options;
    this.#bucket = bucketOf(options);
    this.#deadlines = new Deadlines(options.timeout.total);
    const transport = { ...options, http2: false, allowPrivateNetworks: true };
    this.#dispatcher = openTransport(transport, this.#bucket.origin);
  }

  /** A signature holds for a quarter of an hour, by the store's clock. */
  async signed(
    method: 'PUT' | 'GET',
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | null,
  ): Promise<SignedRequest> {
    const { accessKeyId, secretAccessKey, sessionToken, region } = this.#options;
    const { origin } = this.#bucket;
    const target = `${this.#bucket.path}${path}`;
    const signer = new AwsV4Signer({
      ...{ method, url: `${origin}${target}`, service: 's3', region, cache: this.#signingKeys },
      ...{ accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
      headers: { ...headers, 'user-agent': 'kazoo-relay', 'x-amz-content-sha256': hash('sha256', body ?? '') },
    });
    const signed = await signer.sign();
    return { origin, path: target, method, headers: Object.fromEntries(signed.headers), body };
  }

  /** @throws TimedOut, Interrupted or an error of the connection */
  send(request: SignedRequest, signal: AbortSignal): Promise<Answer> {
    // It may have been compressed and signed while the store was closed.
    const either = AbortSignal.any([signal, this.#closing.signal]);
    return roundTrip(this.#dispatcher, request, this.#deadlines, either);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the sink is closed'));
    await this.#dispatcher.destroy();
    this.#deadlines.close();
  }
}

interface Bucket {
  readonly origin: string;
  /** Without a slash at its end. */
  readonly path: string;
}

/** Where the bucket is. A name with a dot has no place before a host: no certificate is for that. */
function bucketOf({ endpoint, region, bucket, pathStyle }: S3SinkOptions): Bucket {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
  const path = url.pathname.replace(/\/+$/, '');
  if (pathStyle ?? (endpoint !== undefined || bucket.includes('.')))
    return { origin: url.origin, path: `${path}/${bucket}` };
  return { origin: `${url.protocol}//${bucket}.${url.host}`, path };
}

/** As a message names it. */
export function placeOf(options: S3SinkOptions): string {
  return `the bucket ${options.bucket} at ${new URL(bucketOf(options).origin).host}`;
}
