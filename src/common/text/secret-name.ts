/** True where a word of the name of a header, a field or a parameter says that its value is a secret. */
export function namesSecret(name: string): boolean {
  return wordsOf(name).some((word) => secretWords.test(word));
}

/** In lower case: `x`, `api`, `key` of `X-Api-Key`. */
export function wordsOf(name: string): string[] {
  return name.toLowerCase().split(/[^a-z]+/);
}

const secretWords =
  /^(api|auth.*|bearer|cookie|credentials?|hmac|jwt|.*key|pass|passphrase|passw(or)?d|pins?|pwd|session|secrets?|sign(ature)?|tokens?)$/;
