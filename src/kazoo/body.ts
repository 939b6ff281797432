import { isAscii, isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';
import { isObject, type Json, type JsonObject } from '../common/json.ts';
import type { Message, Problem } from '../notification/notification.ts';
import { fastNormalise } from './fast-normalise.ts';
import { fingerprintContent } from './identity.ts';
import { mayLoseDigits, parseAsWritten } from './json.ts';
import { type BodyPath, maxDepth, type Normalised, normalise } from './normalise.ts';

/** What a body may be to be decoded. */
export interface BodyLimits {
  /** Bytes, after unpacking. */
  readonly maxBodySize: number;
  /** Of its objects and arrays together: each costs far more memory than the two bytes that it may be written in. */
  readonly maxBodyMembers: number;
}

/** For bodies that don't come from a broker. */
export const noLimits: BodyLimits = {
  maxBodySize: Number.POSITIVE_INFINITY,
  maxBodyMembers: Number.POSITIVE_INFINITY,
};

type Failure = { readonly problem: Problem };

/** A body that could be parsed, normalised. */
interface Body {
  readonly data: JsonObject;
  /** `data` as JSON text. */
  readonly json: string;
  /** What of it a KAZOO resend surely has again; asked for before the next body is parsed, or never. */
  readonly content: () => string | Uint8Array;
  readonly collisions: readonly BodyPath[];
  readonly mayHoldSecrets: boolean;
}

/** What a message holds, as a normalised object; or why that can't be told. Never throws. */
export function parseBody(message: Message, { maxBodySize, maxBodyMembers }: BodyLimits): Body | Failure {
  const bytes = unpack(message, maxBodySize);
  if ('problem' in bytes) return bytes;
  const isPlain = isAscii(bytes);
  if (!isPlain && !isUtf8(bytes)) return failure('encoding', 'the body is not UTF-8 text');
  if (hasMoreMembers(bytes, maxBodyMembers)) {
    const what = 'members of objects and elements of arrays together (intake.maxBodyMembers)';
    return failure('members', `the body has more than ${maxBodyMembers} ${what}`);
  }
  return fastNormalise(bytes, isPlain) ?? parseText(utf8.decode(bytes));
}

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
  return { data, json: JSON.stringify(data), content: () => fingerprintContent(data), collisions, mayHoldSecrets };
}

/** Leaves out a byte order mark, which JSON.parse would refuse. */
const utf8 = new TextDecoder();

function unpack(message: Message, maxBodySize: number): Uint8Array | Failure {
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

/**
 * Whether a JSON text has more members than `most`: those of its objects and the elements of its arrays, at every depth.
 * It makes nothing, looks at each byte once at most and no further than it must, and takes the text for JSON, which only
 * parsing can tell.
 */
export function hasMoreMembers(text: Uint8Array, most: number): boolean {
  // Each takes two bytes at least: nearly no body needs to be looked at.
  if (text.length <= 2 * most) return false;
  let members = 0;
  // Behind an opening bracket stands the first member, or the closing one.
  let opened = false;
  for (let at = 0; at < text.length && members <= most; at += 1) {
    const byte = text[at] ?? 0;
    if (byte <= space) continue;
    if (byte === comma || (opened && byte !== closeBrace && byte !== closeBracket)) members += 1;
    opened = byte === openBrace || byte === openBracket;
    if (byte === quote) at = endOfString(text, at + 1);
  }
  return members > most;
}

const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The place of the closing quote; beyond the text where there is none. */
function endOfString(text: Uint8Array, start: number): number {
  let at = start;
  for (; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === quote) return at;
    if (byte === backslash) at += 1;
  }
  return at;
}
