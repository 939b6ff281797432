import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { isObject, type Json } from '../../common/json.ts';

/** How much may be read at once to see whether the whole is one JSON text, and how long a line may be; in bytes. */
const wholeLimit = 64 * 1024 * 1024;

/**
 * Reads the bodies of notifications from a file, or from stdin for `-`: one JSON object, an array of them, or one a
 * line. They come out with the bytes they have there, broken ones too, save that of an envelope, as sinks write it,
 * only the `data` comes out. Files of any size are read as they stream, as long as they hold one notification a line.
 * @throws Error that says why, when the file can't be read, isn't UTF-8, or holds no notification
 */
export async function* readNotifications(file: string, stdin: Readable): AsyncGenerator<Buffer> {
  const name = file === '-' ? 'stdin' : file;
  let found = false;
  try {
    for await (const text of textsIn(file === '-' ? stdin : createReadStream(file), name)) {
      found = true;
      yield Buffer.from(dataOfEnvelope(text) ?? text);
    }
  } catch (error) {
    throw isSystemError(error) ? new Error(`${name} can't be read: ${fileReasonOf(error)}`, { cause: error }) : error;
  }
  if (!found) throw new Error(`${name} holds no notification`);
}

async function* textsIn(stream: Readable, name: string): AsyncGenerator<string> {
  const { head, ended } = await readHead(stream);
  if (!ended && utf8.decode(head.subarray(0, 4096)).trimStart().startsWith('[')) {
    throw new Error(`${name} holds an array of more than 64 MiB: write it as one notification a line`);
  }
  const whole = ended ? wholeText(head, name) : undefined;
  if (whole !== undefined) yield* whole;
  else yield* recordsOf(head, stream, name);
}

/** Reads until the end, or until there is more than may be taken as a whole. */
async function readHead(stream: Readable): Promise<{ head: Buffer; ended: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > wholeLimit) return { head: Buffer.concat(chunks), ended: false };
  }
  return { head: Buffer.concat(chunks), ended: true };
}

/** The texts in a whole that is one JSON text; undefined where it isn't, and must be read by lines. */
function wholeText(bytes: Buffer, name: string): Iterable<string> | undefined {
  if (!isUtf8(bytes)) throw new Error(`${name} is not UTF-8 text`);
  const text = utf8.decode(bytes).trim();
  const value = parse(text);
  if (Array.isArray(value)) return itemsOf(text);
  return typeof value === 'object' || isIndented.test(text) ? [text] : undefined;
}

/** Written over several lines: an error in it is one broken notification, not one a line. */
const isIndented = /^[{[][ \t]*\r?\n[ \t]+\S/;

/** Leaves out a byte order mark, which no JSON parser likes. */
const utf8 = new TextDecoder();

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json; // JSON.parse makes nothing else
  } catch {
    return undefined;
  }
}

/**
 * The items of an array that is known to be JSON, each with its own text: parsing and writing them again would lose
 * digits of large numbers, and keys that stand there twice.
 */
function* itemsOf(array: string): Generator<string> {
  let depth = 0;
  let start = 1;
  for (let index = 0; index < array.length; index += 1) {
    const character = array[index];
    if (character === '"') index = endOfString(array, index);
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    const isEnd = (character === ',' && depth === 1) || (character === ']' && depth === 0);
    if (!isEnd) continue;
    const item = array.slice(start, index).trim();
    if (item !== '') yield item;
    start = index + 1;
  }
}

/** Where the string ends that begins at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index;
}

/** Splits at line feeds only: JSON text may hold the other characters that some take for a line's end. */
async function* recordsOf(head: Buffer, stream: AsyncIterable<Buffer>, name: string): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let size = 0;
  let number = 0;
  for await (const chunk of concat(head, stream)) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      number += 1;
      const line = lineOf([...parts, chunk.subarray(start, end)], number, name);
      if (line !== '') yield line;
      parts = [];
      size = 0;
      start = end + 1;
    }
    parts.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > wholeLimit) throw new Error(`line ${number + 1} of ${name} is longer than 64 MiB`);
  }
  const last = lineOf(parts, number + 1, name);
  if (last !== '') yield last;
}

async function* concat(head: Buffer, stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* stream;
}

function lineOf(parts: readonly Buffer[], number: number, name: string): string {
  const bytes = Buffer.concat(parts);
  if (!isUtf8(bytes)) throw new Error(`line ${number} of ${name} is not UTF-8 text`);
  return utf8.decode(bytes).trim();
}

/** The body inside an envelope as sinks write it, as JSON text; undefined for anything else. */
function dataOfEnvelope(text: string): string | undefined {
  if (!text.includes('"routing_key"')) return undefined;
  const value = parse(text);
  if (!isObject(value) || typeof value.routing_key !== 'string' || typeof value.received_at !== 'string')
    return undefined;
  // Nothing is lost: the relay has written numbers that are too large as strings, and no key twice.
  return value.data === undefined ? undefined : JSON.stringify(value.data);
}

function isSystemError(error: unknown): boolean {
  return Error.isError(error) && 'syscall' in error;
}
