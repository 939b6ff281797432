import type { TlsFiles } from '../../common/net/tls.ts';
import type { OptionIssue, OptionTree } from '../../common/options/declare.ts';
import { certificateWithKey, tlsOnlyWith, tlsOptions } from '../../common/options/tls-options.ts';
import { orReference, unescapedAt, unescapedAtMessage } from '../../common/options/value-checks.ts';
import {
  httpWarnings,
  proxyOption,
  proxyRule,
  type RequestTimeout,
  timeoutOptions,
  timeoutRule,
} from '../http/options.ts';
import { isPlaceholder, type PlaceholderName, placeholdersIn } from '../placeholders.ts';
import type { SinkDeclaration } from '../sink.ts';
import { revealedBy, unencryptedUrl } from '../unencrypted.ts';
import { mistakeInPrefix } from './object-key.ts';

/** Times are milliseconds. */
export interface S3SinkOptions {
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  readonly pathStyle: boolean | undefined;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly prefix: string;
  readonly compress: 'gzip' | 'zstd' | 'none';
  readonly batch: { readonly max: number; readonly linger: number; readonly size: number };
  readonly concurrency: number;
  readonly storageClass: string | undefined;
  readonly encryption: { readonly algorithm: string | undefined; readonly keyId: string | undefined };
  readonly checksum: 'none' | 'sha256' | 'md5';
  readonly metadata: Readonly<Record<string, string>>;
  readonly timeout: RequestTimeout;
  readonly tls: TlsFiles;
  readonly proxy: string;
}

const options: OptionTree = {
  endpoint: {
    doc: 'URL of the store, such as https://minio.example.com:9000; by default that of AWS in the region.',
    format: 'http url',
    default: undefined,
  },
  region: { doc: 'Region of the bucket; a store that has none takes any.', format: 'text', default: 'us-east-1' },
  bucket: { doc: 'Bucket, which must exist.', format: 'text', default: null },
  pathStyle: {
    doc: 'true: the bucket stands in the path of the URL. false: before the host. By default true with an endpoint of your own, or a dot in the bucket’s name.',
    format: Boolean,
    default: undefined,
  },
  accessKeyId: { doc: 'Access key; it needs the right to put objects, and no other.', format: 'text', default: null },
  secretAccessKey: { doc: 'Its secret.', format: 'text', default: null, sensitive: true },
  sessionToken: {
    doc: 'Session token of temporary credentials.',
    format: 'text',
    default: undefined,
    sensitive: true,
  },
  prefix: {
    doc: 'What the key of an object begins with; it may contain {account_id}, {event}, {category} and {zone}, and of the UTC time at which a notification occurred {date}, {year}, {month}, {day} and {hour}.',
    format: 'text',
    default: '{date}/',
  },
  compress: { doc: 'Compression of an object.', format: ['gzip', 'zstd', 'none'], default: 'gzip' },
  batch: {
    max: { doc: 'Maximum number of notifications in an object.', format: 'positive number', default: 10_000 },
    linger: {
      doc: 'Maximum time that a notification waits for others of its object.',
      format: 'duration',
      default: 60_000,
    },
    size: {
      doc: 'Maximum size of the bodies in an object, before compression. A quarter of memory.buffers is a limit too.',
      format: 'positive size',
      default: 4 * 1024 * 1024,
    },
  },
  concurrency: {
    doc: 'Maximum number of objects sent at a time, where a batch makes several.',
    format: 'positive number',
    default: 8,
  },
  storageClass: { doc: 'Storage class of objects, such as STANDARD_IA.', format: 'text', default: undefined },
  encryption: {
    algorithm: {
      doc: 'Encryption of objects by the store, such as AES256 or aws:kms; by default what the bucket is set to.',
      format: 'text',
      default: undefined,
    },
    keyId: { doc: 'Key of KMS for it.', format: 'text', default: undefined },
  },
  checksum: {
    doc: 'A checksum beside the signed one, for the store to verify and keep (sha256), or for stores that ask for Content-MD5 (md5).',
    format: ['none', 'sha256', 'md5'],
    default: 'none',
  },
  metadata: {
    doc: 'Metadata of each object.',
    each: { doc: 'Value.', format: 'text', default: null },
  },
  timeout: timeoutOptions,
  tls: tlsOptions('store'),
  proxy: proxyOption,
};

const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const metadataName = /^[A-Za-z0-9-]+$/;

export const s3Declaration: SinkDeclaration<S3SinkOptions> = {
  type: 's3',
  summary: 'objects of NDJSON in S3, or in any store that speaks its protocol',
  options,
  isLocal: () => false,
  limits: ({ batch }) => ({ batch, concurrency: 1 }),
  rules: [
    ({ endpoint }) => issue(['endpoint'], endpoint === undefined ? undefined : mistakeInEndpoint(endpoint)),
    ({ bucket }) => issue(['bucket'], bucketName.test(bucket) ? undefined : 'must be the name of a bucket'),
    ({ region }) => issue(['region'], regionName.test(region) ? undefined : 'must be a region such as eu-central-1'),
    ({ prefix }) => issue(['prefix'], mistakeInPrefix(prefix)),
    fitForHeaders,
    ({ encryption: { algorithm, keyId } }) =>
      issue(
        ['encryption', 'keyId'],
        keyId !== undefined && !algorithm?.startsWith('aws:kms') ? 'needs the algorithm aws:kms' : undefined,
      ),
    certificateWithKey,
    ({ endpoint = 'https://', tls }) => tlsOnlyWith('https')({ url: endpoint, tls }),
    timeoutRule,
    proxyRule,
  ],
  schemaRules: [
    {
      properties: {
        metadata: { propertyNames: { pattern: metadataName.source } },
        bucket: orReference({ pattern: bucketName.source }),
        prefix: { not: { pattern: '^/' } },
      },
    },
  ],
  requiredKeys: ({ prefix }) =>
    placeholdersIn(prefix)
      .filter(isPlaceholder)
      .filter((name): name is Exclude<PlaceholderName, 'id'> => name !== 'id'),
  warnings(options, { timeout, order, reveal }) {
    const { endpoint, sessionToken, batch } = options;
    const secrets = [...(sessionToken === undefined ? [] : ['the session token']), ...revealedBy(reveal)];
    const waitsAlone =
      'is how long each notification of an account waits: with order: account, an object has one of each account';
    return [
      ...httpWarnings(options, timeout),
      ...(endpoint === undefined ? [] : unencryptedUrl(['endpoint'], endpoint, secrets)),
      ...issue(['batch', 'linger'], order === 'account' && batch.linger > longestTurn ? waitsAlone : undefined),
    ];
  },
};

/** Milliseconds between two notifications of an account that nobody takes for an outage. */
const longestTurn = 1_000;

const regionName = /^[A-Za-z0-9_-]{1,64}$/;

function issue(path: OptionIssue['path'], message: string | undefined): OptionIssue[] {
  return message === undefined ? [] : [{ path, message }];
}

function mistakeInEndpoint(text: string): string | undefined {
  if (unescapedAt.test(text)) return unescapedAtMessage;
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return 'must be a URL such as https://host:9000';
  const { username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '')
    return 'must be without user and password; they are accessKeyId and secretAccessKey';
  if (search !== '' || hash !== '') return 'must end with its path';
  return undefined;
}

/** They stand in headers of a request, some of them signed: white space at an end would be lost on the way. */
function fitForHeaders(given: S3SinkOptions): OptionIssue[] {
  const { accessKeyId, secretAccessKey, sessionToken, storageClass, encryption, metadata } = given;
  const values = Object.entries({ accessKeyId, secretAccessKey, sessionToken, storageClass });
  const found = [
    ...values.map(([name, value]) => ({ path: [name], value })),
    ...Object.entries(encryption).map(([name, value]) => ({ path: ['encryption', name], value })),
    ...Object.entries(metadata).map(([name, value]) => ({ path: ['metadata', name], value })),
  ];
  return [
    ...found.flatMap(({ path, value }) =>
      issue(
        path,
        headerValue.test(value ?? 'none') ? undefined : 'must be printable ASCII on one line, without spaces around it',
      ),
    ),
    ...Object.keys(metadata).flatMap((name) =>
      issue(['metadata', name], metadataName.test(name) ? undefined : 'must have a name of letters, digits and -'),
    ),
  ];
}

const headerValue = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
