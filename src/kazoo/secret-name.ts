/** True where the name of a member of a notification says that its value is a secret. @param name as `normalised` gives it */
export function tellsSecret(name: string): boolean {
  return secretName.test(name);
}

/**
 * The same of a header, a field or a parameter that an operator has named, in his way of writing. There some words say so
 * that KAZOO has for something else, as in `routing_key` and `authorizing_id`.
 */
export function namesSecret(name: string): boolean {
  return [normalised(name), ...wordsOf(name)].some((word) => tellsSecret(word) || operatorsWord.test(word));
}

/** As names are in a notification: in lower case, with `_` for `-`. */
export function normalised(name: string): string {
  return name.replaceAll('-', '_').toLowerCase();
}

/** In lower case: `x`, `api`, `key` of `X-Api-Key`. */
export function wordsOf(name: string): string[] {
  return name.toLowerCase().split(/[^a-z]+/);
}

/** What is a secret wherever it stands in a name, also within a word: `authtoken`. */
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
