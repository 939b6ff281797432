import type { Mask } from '../../common/text/secret-mask.ts';
import { retryAfter, singleLine } from '../http/outcome.ts';
import type { Answer } from '../http/round-trip.ts';
import { type Outcome, SinkUnavailable } from '../sink.ts';

/**
 * What the store's answer means for the notifications of an object.
 * @param place the bucket, for a message
 * @throws SinkUnavailable where it isn't about this object: nothing can be stored until somebody has mended it
 */
export function outcomeOf(answer: Answer, place: string, mask: Mask): Outcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return { status: 'delivered', code: status };
  const error = errorIn(answer);
  const reason = mask(`${place} ${describe(answer, error)}`);
  if (isTooLarge(answer)) return { status: 'dead', reason, code: status };
  if (isAboutAll(status, error.code)) {
    throw new SinkUnavailable(reason, { code: status, notBefore: retryAfter(answer, Date.now()), unsure: true });
  }
  // A right to some prefixes only, a rule of this store: others may fare better.
  return { status: 'retry', reason, code: status, away: true };
}

/** The store, or a proxy before it, takes no object of this size. */
export function isTooLarge(answer: Answer): boolean {
  return answer.status === 413 || tooLarge.has(errorIn(answer).code);
}

const tooLarge: ReadonlySet<string> = new Set(['EntityTooLarge', 'MaxMessageLengthExceeded']);

function isAboutAll(status: number, code: string): boolean {
  const isOfStore = status < 400 || status >= 500 || [404, 408, 429].includes(status);
  return isOfStore || Object.hasOwn(cures, code);
}

/** What an operator does about it. */
const cures: Readonly<Record<string, string>> = {
  AccountProblem: 'the store’s operator has closed the account',
  AllAccessDisabled: 'the store’s operator has closed the bucket',
  AuthorizationHeaderMalformed: 'set region to that of the bucket',
  ExpiredToken: 'sessionToken has expired: put a new one in its place and reload',
  ExpiredTokenException: 'sessionToken has expired: put a new one in its place and reload',
  InvalidAccessKeyId: 'the store doesn’t know accessKeyId',
  InvalidBucketName: 'the store has no such names: correct bucket',
  InvalidEncryptionAlgorithmError: 'the store doesn’t know encryption.algorithm',
  InvalidSecurity: 'correct accessKeyId and secretAccessKey',
  InvalidStorageClass: 'the store doesn’t know storageClass',
  InvalidToken: 'sessionToken is not of accessKeyId: put both anew in their places and reload',
  NoSuchBucket: 'create it, or correct bucket',
  PermanentRedirect: 'set region to that of the bucket, or endpoint',
  RequestExpired: 'set the clock of this machine',
  RequestTimeTooSkewed: 'set the clock of this machine',
  SignatureDoesNotMatch: 'secretAccessKey isn’t that of accessKeyId, or region isn’t that of the store',
  TokenRefreshRequired: 'put a new sessionToken in its place and reload',
};

function describe({ status, headers }: Answer, { code, message, region, endpoint }: StoreError): string {
  const where = [headers['x-amz-bucket-region'] ?? region].flat()[0] ?? '';
  const said = [code, message].filter((text) => text !== '').join(': ');
  const hint =
    where !== '' && isElsewhere(status, code)
      ? `it is in the region ${singleLine(where, 64)}: set region to that`
      : endpoint !== '' && isElsewhere(status, code)
        ? `it is at ${endpoint}: set region or endpoint to that`
        : (cures[code] ?? (status < 400 && status >= 300 ? 'a redirect is not followed: set region or endpoint' : ''));
  return `answered ${status}${said === '' ? '' : ` ${said}`}${hint === '' ? '' : ` (${hint})`}`;
}

function isElsewhere(status: number, code: string): boolean {
  return status < 400 || code === 'AuthorizationHeaderMalformed' || code === 'IllegalLocationConstraintException';
}

/** What the store says of itself. */
interface StoreError {
  readonly code: string;
  readonly message: string;
  readonly region: string;
  readonly endpoint: string;
}

/** An answer to HEAD, or one of a proxy, has none of it. Of a body, no more than 64 KiB was read. */
function errorIn({ body }: Answer): StoreError {
  const xml = body.toString();
  return {
    code: /^[A-Za-z.]{1,64}$/.exec(elementOf(xml, 'Code'))?.[0] ?? '',
    message: elementOf(xml, 'Message'),
    region: elementOf(xml, 'Region'),
    endpoint: elementOf(xml, 'Endpoint'),
  };
}

/** The text of the first element of that name, as far as it is plain text: nothing in it is looked up or expanded. */
function elementOf(xml: string, name: string): string {
  const start = xml.indexOf(`<${name}>`);
  const end = xml.indexOf(`</${name}>`, start);
  if (start === -1 || end === -1) return '';
  const text = xml.slice(start + name.length + 2, end).slice(0, 2 * keptOfText);
  return singleLine(
    text.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => entities[entity] ?? ''),
    keptOfText,
  );
}

/** Bytes. */
const keptOfText = 300;

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
