/** The text without the secrets in it. */
export type Mask = (text: string) => string;

/**
 * Masks secrets in text from outside: a receiver may return what it received, unchanged, encoded for JSON, URLs, forms
 * or HTML (repeatedly and in any combination), or in base64. It takes time in proportion to the text and to the total
 * length of the secrets.
 * @param secrets returns the present ones
 */
export function createMask(secrets: () => readonly string[]): Mask {
  return (text) => {
    const plain = secrets()
      .map((secret) => secret.slice(0, 4 * text.length))
      .flatMap((secret) => [secret, ...inBase64(secret)])
      .map((form) => plainOf(form).plain.trim());
    const wanted = new Set(plain.filter((secret) => secret.length >= shortest));
    if (wanted.size === 0) return text;
    // One behind the last, which is never hidden.
    const hidden = new Uint8Array(text.length + 1);
    const hide = (from = text.length, to = text.length) => hidden.fill(1, from, to);
    const whole = plainOf(text);
    const withoutTail = plainOf(text.slice(0, text.length - tailOf(text).length));
    for (const secret of wanted) {
      for (const at of placesIn(whole.plain, secret)) hide(whole.places[at], whole.places[at + secret.length]);
      for (const { plain, places } of [whole, withoutTail]) hide(places[beginningIn(plain, secret)]);
    }
    return without(hidden, text);
  };
}

/** Hiding one or two letters wherever they stand would leave nothing to read, and they are no secret. */
const shortest = 3;

/**
 * What is the same in the base64 of any text with the secret in it, and in that of URLs. Where the secret begins within a
 * group of three bytes makes three of it; characters that its neighbours have a share in are left out.
 */
function inBase64(secret: string): string[] {
  const forms = [0, 1, 2].map((before) => {
    const bytes = Buffer.from(`${' '.repeat(before)}${secret}`);
    return bytes.toString('base64').slice(Math.ceil((before * 4) / 3), Math.floor((bytes.length * 4) / 3));
  });
  // Of three characters, others are to be met with by chance.
  return forms
    .filter((form) => form.length > shortest)
    .flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** An escape that was cut off in its middle, or might have been. */
function tailOf(text: string): string {
  return /(?:\\+(?:u[0-9a-f]{0,3})?|%[0-9a-f]?|&#?[0-9a-z]{0,8})$/i.exec(text.slice(-16))?.[0] ?? '';
}

function* placesIn(plain: string, secret: string): Generator<number> {
  for (let at = plain.indexOf(secret); at >= 0; at = plain.indexOf(secret, at + secret.length)) yield at;
}

/** Where a secret begins that doesn't end any more; -1 where none does. */
function beginningIn(plain: string, secret: string): number {
  const start = secret.slice(0, shortest + 1);
  let at = plain.indexOf(start, Math.max(0, plain.length - secret.length + 1));
  while (at >= 0 && !secret.startsWith(plain.slice(at))) at = plain.indexOf(start, at + 1);
  return at;
}

function without(hidden: Uint8Array, text: string): string {
  let result = '';
  let done = 0;
  for (let from = hidden.indexOf(1); from >= 0; from = hidden.indexOf(1, done)) {
    result += `${text.slice(done, from)}***`;
    done = hidden.indexOf(0, from);
  }
  return result + text.slice(done);
}

interface Plain {
  /** The bytes of its UTF-8, a character each. */
  readonly plain: string;
  /** Where in the text each of them stands. */
  readonly places: readonly number[];
}

/** Notations within one another: more of them than anybody writes. */
const mostRounds = 8;

/**
 * The normal form of a text, equal for all its notations: escapes are decoded until none is left, backslashes are
 * removed, and any separator of words, also a `+`, is one space.
 */
function plainOf(text: string): Plain {
  const places: number[] = [];
  for (let index = 0; index < text.length; index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1)
    for (let bytes = sizeOf(text.codePointAt(index) ?? 0); bytes > 0; bytes -= 1) places.push(index);
  let read: Plain = { plain: Buffer.from(text).toString('latin1'), places };
  for (let rounds = 0; rounds < mostRounds; rounds += 1) {
    const { length } = read.plain;
    read = unescapedOnce(read);
    if (read.plain.length === length) break;
  }
  return read;
}

/** Bytes of a character in UTF-8. */
function sizeOf(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
}

function unescapedOnce({ plain, places }: Plain): Plain {
  const at: number[] = [];
  let result = '';
  let done = 0;
  const take = (bytes: string, first: number) => {
    result += bytes;
    for (let count = 0; count < bytes.length; count += 1) at.push(places[first] ?? 0);
  };
  for (const { 0: whole, index, groups = {} } of plain.matchAll(notation)) {
    for (let kept = done; kept < index; kept += 1) at.push(places[kept] ?? 0);
    result += plain.slice(done, index);
    take(meaningOf(groups), index);
    done = index + whole.length;
  }
  for (let kept = done; kept < plain.length; kept += 1) at.push(places[kept] ?? 0);
  return { plain: result + plain.slice(done), places: at };
}

/** White space and control characters, in the bytes of UTF-8. */
const space =
  '[\\x00-\\x20\\x7f+]|\\xc2[\\x80-\\xa0]|\\xe1\\x9a\\x80|\\xe2\\x80[\\x80-\\x8a\\xa8\\xa9\\xaf]|\\xe2\\x81\\x9f|\\xe3\\x80\\x80|\\xef\\xbb\\xbf';

const notation = new RegExp(
  [
    String.raw`\\+u(?<high>d[89ab][0-9a-f]{2})\\+u(?<low>d[c-f][0-9a-f]{2})`,
    String.raw`\\+u(?<unit>[0-9a-f]{4})`,
    String.raw`(?<space>(?:\\+[nrtbf]|${space})+)`,
    String.raw`\\+`,
    '%(?<byte>[0-9a-f]{2})',
    '&(?:(?<name>amp|lt|gt|quot|apos)|#(?<decimal>[0-9]{1,7})|#x(?<hex>[0-9a-f]{1,6}));',
  ].join('|'),
  'gi',
);

function meaningOf(groups: Readonly<Record<string, string | undefined>>): string {
  const { high, low, unit, space, byte, name, decimal, hex } = groups;
  if (space !== undefined) return ' ';
  if (name !== undefined) return named[name.toLowerCase()] ?? '';
  if (byte !== undefined) return String.fromCharCode(numberOf(byte));
  if (high !== undefined && low !== undefined) return inBytes(String.fromCharCode(numberOf(high), numberOf(low)));
  const code = decimal === undefined ? numberOf(unit ?? hex ?? '') : Number(decimal);
  return code <= 0x10_ff_ff ? inBytes(String.fromCodePoint(code)) : '';
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function numberOf(hex: string): number {
  return Number.parseInt(hex, 16);
}

function inBytes(character: string): string {
  return Buffer.from(character).toString('latin1');
}
