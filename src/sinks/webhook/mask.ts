/** The text without the secrets in it. */
export type Mask = (text: string) => string;

/**
 * Hides secrets in what comes from outside: a receiver may send back what it was sent.
 * @param secrets gives those that there are at the moment
 */
export function createMask(secrets: () => readonly string[]): Mask {
  return (text) => {
    const forms = new Set(
      secrets()
        .filter((secret) => secret.length >= shortest)
        .flatMap(formsOf),
    );
    // The longest first: a secret may be part of another.
    const longestFirst = [...forms].sort((one, other) => other.length - one.length);
    if (longestFirst.length === 0) return text;
    const hidden = text.replace(new RegExp(longestFirst.map(RegExp.escape).join('|'), 'g'), '***');
    return withoutBeginning(hidden, longestFirst);
  };
}

/** A text that was cut off may end in the middle of a secret. */
function withoutBeginning(text: string, forms: readonly string[]): string {
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, text.length); length > shortest; length -= 1) {
      if (text.endsWith(form.slice(0, length))) return `${text.slice(0, -length)}***`;
    }
  }
  return text;
}

/** Hiding one or two letters wherever they stand would leave nothing to read, and they are no secret. */
const shortest = 3;

/** How a secret may be written: as it is, in a URL, in a form, in JSON, in HTML. */
function formsOf(secret: string): string[] {
  const inUrl = encodeURIComponent(secret.toWellFormed());
  return [secret, inUrl, inUrl.replaceAll('%20', '+'), JSON.stringify(secret).slice(1, -1), inHtml(secret)];
}

function inHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
