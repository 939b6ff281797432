const known = new Map<string, string>();
const maxKnown = 10_000;
const maxLength = 256;

/** JSON.stringify for texts that come again and again: they are quoted once. */
export function quoted(text: string | null): string {
  if (text === null) return 'null';
  let result = known.get(text);
  if (result === undefined) {
    result = JSON.stringify(text);
    if (known.size < maxKnown && text.length <= maxLength) known.set(text, result);
  }
  return result;
}
