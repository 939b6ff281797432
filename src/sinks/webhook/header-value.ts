/**
 * A text as the value of a header: percent-encoded where it isn't printable ASCII, as CloudEvents does it, so that it
 * can neither end the header nor mean another text.
 */
export function headerValue(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]|["%]/gu, encodeURIComponent);
}
