import { isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';
import { eventNamed } from './catalogue.ts';
import { Decoded } from './decoded.ts';
import { contentOf, fingerprintOf, idOf } from './identity.ts';
import { isObject, member } from './json.ts';
import { hasMoreMembers } from './members.ts';
import { maxDepth, type Normalised, normalise, type Path } from './normalise.ts';
import type { Json, JsonObject, Problem, RawMessage } from './notification.ts';
import { mayLoseDigits, parseAsWritten } from './numbers.ts';
import { rewrite } from './rewrite.ts';
import { fromAmqpTimestamp, fromGregorianSeconds } from './time.ts';

/** What a body may be to be decoded. */
export interface BodyLimits {
  /** Bytes, after unpacking. */
  readonly maxBodySize: number;
  /** Of its objects and arrays together: each costs far more memory than the two bytes that it may be written in. */
  readonly maxBodyMembers: number;
}

/** For bodies that don't come from a broker. */
export const unlimited: BodyLimits = {
  maxBodySize: Number.POSITIVE_INFINITY,
  maxBodyMembers: Number.POSITIVE_INFINITY,
};

/** How much of a body that can't be decoded is kept, in bytes. */
export const keptOfUndecodable = 64 * 1024;

/**
 * Makes a notification of whatever the broker delivered. Never throws: what can't be decoded comes out in the state
 * `undecodable`, with its problem and the first 64 KiB of its body.
 */
export function decode(message: RawMessage, limits: BodyLimits): Decoded {
  const body = parseBody(message, limits);
  if ('problem' in body) return undecodable(message, body.problem);

  const { data, json } = body;
  const published = fromAmqpTimestamp(message.timestamp);
  const definition = typeof data.event_name === 'string' ? eventNamed(data.event_name) : undefined;
  const event = definition?.name ?? label(data.event_name);
  const eventTime = ownTimeOf(data);
  const happensOnce = definition?.once === true || typeof data.call_id === 'string';
  const ownTime = mayBeResent(message, data) ? (eventTime ?? (happensOnce ? 0 : null)) : null;
  return new Decoded({
    id: idOf(message, published ?? 0),
    fingerprint: ownTime === null ? '' : fingerprintOf(body.content()),
    ownTime,
    event,
    known: definition !== undefined,
    category: definition?.category ?? null,
    accountId: accountOf(event, data),
    zone: message.zone,
    node: label(data.node),
    occurredAt: (definition?.happensAtPublish ? null : eventTime) ?? published ?? message.receivedAt,
    receivedAt: message.receivedAt,
    routingKey: message.routingKey,
    preview: data.preview === true || data.preview === 'true',
    state: body.collisions.length === 0 ? 'valid' : 'invalid',
    problems: body.collisions.map(collision),
    data,
    json,
    secrets: [],
    raw: null,
    mayHoldSecrets: body.mayHoldSecrets,
  });
}

/** A notification of a body that nothing more can be said of than what is wrong with it. */
export function undecodable(message: RawMessage, problem: Problem): Decoded {
  const published = fromAmqpTimestamp(message.timestamp);
  return new Decoded({
    id: idOf(message, published ?? 0),
    fingerprint: '',
    ownTime: null,
    event: null,
    known: false,
    category: null,
    accountId: null,
    zone: message.zone,
    node: null,
    occurredAt: published ?? message.receivedAt,
    receivedAt: message.receivedAt,
    routingKey: message.routingKey,
    preview: false,
    state: 'undecodable',
    problems: [problem],
    data: null,
    json: 'null',
    secrets: [],
    // A copy: a view would keep the whole chunk alive that the socket read it in.
    raw: Uint8Array.from(message.body.subarray(0, keptOfUndecodable)),
    mayHoldSecrets: false,
  });
}

type Failure = { readonly problem: Problem };

interface Body {
  readonly data: JsonObject;
  /** `data` as JSON text. */
  readonly json: string;
  /** What of it a KAZOO resend surely has again; asked for before the next body is parsed, or never. */
  readonly content: () => string | Uint8Array;
  readonly collisions: readonly Path[];
  readonly mayHoldSecrets: boolean;
}

function parseBody(message: RawMessage, { maxBodySize, maxBodyMembers }: BodyLimits): Body | Failure {
  const bytes = unpack(message, maxBodySize);
  if ('problem' in bytes) return bytes;
  if (!isUtf8(bytes)) return failure('encoding', 'the body is not UTF-8 text');
  if (hasMoreMembers(bytes, maxBodyMembers)) {
    const what = 'members of objects and elements of arrays together (intake.maxBodyMembers)';
    return failure('members', `the body has more than ${maxBodyMembers} ${what}`);
  }
  const rewritten = rewrite(bytes);
  if (rewritten !== null) return { ...rewritten, collisions: none };
  return parseText(utf8.decode(bytes));
}

const none: readonly Path[] = [];

/** The way that every body can go: the keys of its objects are normalised one by one. */
function parseText(text: string): Body | Failure {
  const body = parseJson(text);
  if ('problem' in body) return body;
  if (!isObject(body.value)) return failure('type', 'the body is JSON, but not an object');
  const normalised = normalise(body.value);
  if (normalised.tooDeep) return failure('depth', `the body nests deeper than ${maxDepth} levels`);
  return mayLoseDigits(text) ? asWritten(text) : bodyOf(normalised);
}

/** @param text of an object, as `JSON.parse` takes it */
function asWritten(text: string): Body {
  const body = bodyOf(normalise(parseAsWritten(text) as JsonObject)); // it was an object the first time
  return { ...body, data: JSON.parse(body.json) as JsonObject }; // and is one still
}

function bodyOf({ data, collisions, mayHoldSecrets }: Normalised): Body {
  return { data, json: JSON.stringify(data), content: () => contentOf(data), collisions, mayHoldSecrets };
}

/** Leaves out a byte order mark, which JSON.parse would refuse. */
const utf8 = new TextDecoder();

function unpack(message: RawMessage, maxBodySize: number): Uint8Array | Failure {
  const tooLarge = failure('size', `the body is larger than ${maxBodySize} bytes`);
  if (message.digest !== undefined) return tooLarge;
  const encoding = message.contentEncoding?.trim().toLowerCase() ?? '';
  if (encoding === 'gzip' || encoding === 'x-gzip') {
    try {
      return gunzipSync(message.body, { maxOutputLength: maxBodySize });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException; // zlib throws nothing but errors that carry a code
      return code === 'ERR_BUFFER_TOO_LARGE'
        ? tooLarge
        : failure('encoding', 'the body is not the gzip it is said to be');
    }
  }
  if (!saysUnpacked.has(encoding) && !isCharset(encoding))
    return failure(
      'encoding',
      'the content encoding is neither gzip nor one that packs nothing, such as identity or utf-8',
    );
  return message.body.length > maxBodySize ? tooLarge : message.body;
}

/** Content encodings that pack nothing: HTTP's, and those of MIME, which some libraries take the property for. */
const saysUnpacked = new Set(['', 'identity', 'binary', '7bit', '8bit']);

/** Other libraries give the text's charset there. Whichever it names, the body must be UTF-8, as JSON is. */
function isCharset(name: string): boolean {
  try {
    return new TextDecoder(name) !== undefined;
  } catch {
    return false;
  }
}

function parseJson(text: string): { readonly value: Json } | Failure {
  try {
    return { value: JSON.parse(text) as Json }; // JSON.parse makes nothing else
  } catch (error) {
    return failure('json', `the body is not JSON${positionIn(String(error))}`);
  }
}

/** V8's message quotes the text, which may be a secret: only the position is taken from it. */
function positionIn(message: string): string {
  if (message.includes('Unexpected end')) return ': it ends too early';
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? '' : `: an error at character ${position}`;
}

function failure(keyword: string, message: string): Failure {
  return { problem: { path: '', keyword, message } };
}

function collision(path: Path): Problem {
  return {
    path: `/${path.map(escapePointer).join('/')}`.slice(0, maxPointer),
    keyword: 'duplicateKey',
    message: 'stands there more than once (its keys normalise to the same name); the last one was taken',
  };
}

/** Characters of a pointer that are kept. */
const maxPointer = 256;

function escapePointer(key: string): string {
  return key.slice(0, maxPointer).replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * KAZOO saves what nobody answers, and publishes that again; what it wants no answer to, it publishes once. Only in the
 * former are these keys. Whoever gives messages ids tells by them which are the same.
 */
function mayBeResent({ messageId = '' }: RawMessage, data: JsonObject): boolean {
  return messageId === '' && (data.server_id !== undefined || data.system_log_id !== undefined);
}

/** The event's own time, where its body has one, as Unix milliseconds. */
function ownTimeOf(data: JsonObject): number | null {
  return (
    fromGregorianSeconds(data.timestamp) ??
    fromGregorianSeconds(data.event_timestamp) ??
    fromGregorianSeconds(data.voicemail_timestamp) ??
    fromGregorianSeconds(data.fax_timestamp) ??
    fromGregorianSeconds(member(data.comment, 'timestamp')) ??
    fromGregorianSeconds(member(data.reason, 'timestamp'))
  );
}

/** Two events carry the account somewhere else than at the top. */
function accountOf(event: string | null, data: JsonObject): string | null {
  const own = label(data.account_id);
  if (own !== null) return own;
  if (event === 'webhook') return label(member(data.data, 'account_id'));
  if (event !== 'system_alert') return null;
  return (
    label(member(data.details, 'account_id')) ??
    label(member(member(data.details, 'custom_channel_vars'), 'account_id'))
  );
}

/** A value fit to select by: a string of 1 to 128 characters, none of them a control character. */
function label(value: Json | undefined): string | null {
  return typeof value === 'string' && labelForm.test(value) ? value : null;
}

const labelForm = /^[^\p{Cc}]{1,128}$/u;
