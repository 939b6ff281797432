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
