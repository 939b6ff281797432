import { stripVTControlCharacters } from 'node:util';

/**
 * The text with every character that could steer a terminal written as a JSON escape. What was JSON before is the same
 * JSON after.
 */
export function printable(text: string): string {
  return text.replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Control characters, and the marks that end a line or turn the direction of writing. */
const steering = /[\p{Cc}\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Lines of a text that have no more characters than that, broken at spaces; those behind the first are indented. A word that is longer,
 * such as a path, stands alone: the terminal breaks it, and it can be copied.
 * @param width undefined, or 0 as some terminals say it, is any
 */
export function wrap(text: string, width: number | undefined, indent = 0): string[] {
  if (!width || shownLength(text) <= width) return [text];
  const margin = ' '.repeat(Math.min(indent, Math.floor(width / 2)));
  const lines: string[] = [];
  let line = '';
  for (const [index, word] of text.split(' ').entries()) {
    const longer = index === 0 ? word : `${line} ${word}`;
    if (line.trim() === '' || shownLength(longer) <= width) line = longer;
    else if (word !== '') {
      lines.push(line.trimEnd());
      line = margin + word;
    }
  }
  return [...lines, line.trimEnd()];
}

/** Colours take no room. */
function shownLength(text: string): number {
  return text.includes('\u001b') ? stripVTControlCharacters(text).length : text.length;
}

/** `1 broker`, `2 brokers`. */
export function pluralize(count: number, what: string, plural = `${what}s`): string {
  return `${count} ${count === 1 ? what : plural}`;
}

/** `9999`, `12k`, `3400k`, `12M`: five characters at most. */
export function formatCount(count: number): string {
  if (count < 10_000) return String(count);
  return count < 10_000_000 ? `${Math.floor(count / 1_000)}k` : `${Math.floor(count / 1_000_000)}M`;
}

/** `1.5 GiB`. @param bytes any number from 0 on */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1_024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** As much of a text's beginning as takes this many bytes in UTF-8, at most: no half of a character is left at its end. */
export function truncateUtf8(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  const bytes = Buffer.from(text);
  let end = most;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** All bytes of a character but its first. */
function isContinuation(byte = 0): boolean {
  return (byte & 0xc0) === 0x80;
}

/** JSON.stringify for texts that come again and again: they are quoted once. */
export function jsonString(text: string | null): string {
  if (text === null) return 'null';
  let result = jsonStrings.get(text);
  if (result === undefined) {
    result = JSON.stringify(text);
    if (jsonStrings.size < mostJsonStrings && text.length <= longestKept) jsonStrings.set(text, result);
  }
  return result;
}

const jsonStrings = new Map<string, string>();
const mostJsonStrings = 10_000;
const longestKept = 256;

/**
 * Joins lines to pieces of some 64,000 characters, each of which ends with a line and is made when it is asked for. V8 keeps
 * a joined text as a tree until its characters are asked for; one of hundreds of lines it then copies to memory that is
 * fresh from the system, which costs more than all else that is done with it. Of smaller pieces, each write costs as much as
 * its lines.
 */
export function* piecesOf(lines: Iterable<string>): Generator<string> {
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** Characters after which a piece ends. */
const pieceLength = 64 * 1024;
