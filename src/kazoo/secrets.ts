import { redacted } from '../notification/notification.ts';

/** True for a string of a body that is looked into. */
export function mayHoldSecret(text: string): boolean {
  return opensHolder(text) || text.includes('://');
}

function opensHolder(text: string): boolean {
  const first = text[0];
  return first === '{' || first === '[';
}

/**
 * A text without the secrets in it: `redacted` in place of a URL with a password or a token, and of the whole where it
 * begins with `{` or `[`, as JSON and terms of Erlang do, and names a secret. All of it takes linear time.
 * @param isPart true for names that say so too, where this text stands
 */
export function withoutSecrets(text: string, isPart: (name: string) => boolean): string {
  const isSecret = (name: string) => matchesSecretName(name) || isPart(name);
  return opensHolder(text) && hasSecretKey(text, isSecret) ? redacted : withoutUrls(text, isSecret);
}

function hasSecretKey(text: string, isSecret: (name: string) => boolean): boolean {
  for (const { 0: name, index } of text.matchAll(/[a-z0-9_.-]+/gi)) {
    if (isSecret(normalised(name)) && isKey(text, index, index + name.length)) return true;
  }
  return false;
}

/** In JSON and its kin a colon or `=` is behind it, in Erlang it begins a tuple. */
function isKey(text: string, start: number, end: number): boolean {
  if (/^[\\"'>]{0,16}\s{0,16}[:=]/.test(text.slice(end, end + 33))) return true;
  return /\{\s{0,16}(?:<<)?["'\\]{0,8}$/.test(text.slice(Math.max(0, start - 27), start));
}

function withoutUrls(text: string, isSecret: (name: string) => boolean): string {
  let clean = '';
  let done = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', done)) {
    let start = at;
    while (start > done && schemeCharacter.test(text[start - 1] ?? '')) start -= 1;
    urlEnd.lastIndex = at;
    const end = urlEnd.test(text) ? urlEnd.lastIndex : text.length;
    clean += text.slice(done, start);
    clean += givesAccess(text.slice(start, end), isSecret) ? redacted : text.slice(start, end);
    done = end;
  }
  return clean + text.slice(done);
}

const schemeCharacter = /[a-z0-9+.-]/i;
const urlEnd = /[^\s"'<>`\\]+/y;

/** A password before the host, over HTTP also a user alone, or a token in the query or the fragment. */
function givesAccess(url: string, isSecret: (name: string) => boolean): boolean {
  if (/^[^:]*:\/\/[^/?#:@]*:[^/?#]*@/.test(url) || /^https?:\/\/[^/?#]*@/i.test(url)) return true;
  for (const { 1: name = '' } of url.matchAll(/[?#&;]([^=?#&;]*)=/g)) {
    const known = normalised(name);
    if (isSecret(known) || parameter.test(known)) return true;
  }
  return false;
}

/** What gives access as a parameter's name, and is a word like others elsewhere. */
const parameter = /(?:^|_)(?:key|sig|signature|code)$/;

/** True where the name of a member of a notification says that its value is a secret. @param name as `normalised` gives it */
export function matchesSecretName(name: string): boolean {
  return secretName.test(name);
}

/**
 * The same of a header, a field or a parameter that an operator has named, in his way of writing. There some words say so
 * that KAZOO has for something else, as in `routing_key` and `authorizing_id`.
 */
export function isSecretParameter(name: string): boolean {
  return [normalised(name), ...wordsOf(name)].some((word) => matchesSecretName(word) || operatorsWord.test(word));
}

/** As names are in a notification: in lower case, with `_` for `-`. */
function normalised(name: string): string {
  return name.replaceAll('-', '_').toLowerCase();
}

/** In lower case: `x`, `api`, `key` of `X-Api-Key`. */
export function wordsOf(name: string): string[] {
  return name.toLowerCase().split(/[^a-z]+/);
}

/** Secret anywhere in a name, also within a word: `authtoken`. */
const stems = 'passw(?:or)?d|passphrase|token|cookie|api[_ ]?key|authorization|secret';

/** What is one only as a whole word, or as several in a row: `authorizing_id`, `shipping` and `author` are harmless. */
const words = [
  'pass(?:_?(?:word|phrase|code)s?)?',
  'pwd',
  'pins?',
  'credentials?',
  'auth',
  'bearer',
  'jwt',
  't?otp',
  'ha1',
  'nonce',
  'cv[vc]2?',
  'dsn',
  '(?:private|ssh|encryption|access)_?key',
  'session_?id',
  'card_?number',
  'reset_?link',
  'verification_?code',
  // A URI, with the password where there is one; the key of its zone is another.
  'amqp_broker$',
].join('|');

const secretName = new RegExp(`${stems}|(?<![a-z0-9])(?:${words})(?![a-z0-9])`);

const operatorsWord = /^(?:api|auth.*|.*key|hmac|session|sign(?:ature)?)$/;
