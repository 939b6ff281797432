/** A body of more characters is cut where it is shown. */
const longest = 64 * 1024;

/** JSON with each member on a line of its own, as it was written: no number is read, so that none is changed. */
export function jsonLine(json: string): string {
  const text = json.length > longest ? json.slice(0, longest) : json;
  let depth = 0;
  let inText = false;
  let result = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (inText) {
      result += character;
      if (character === '\\') {
        index += 1;
        result += text.charAt(index);
      } else if (character === '"') inText = false;
    } else if (character === '"') {
      inText = true;
      result += character;
    } else if (character === '{' || character === '[') {
      const isEmpty = text.charAt(index + 1) === closing[character];
      depth += isEmpty ? 0 : 1;
      result += isEmpty
        ? `${character}${closing[character]}`
        : `${character}\n${'  '.repeat(Math.min(depth, deepest))}`;
      if (isEmpty) index += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      result += `\n${'  '.repeat(Math.max(0, Math.min(depth, deepest)))}${character}`;
    } else if (character === ',') result += `,\n${'  '.repeat(Math.min(depth, deepest))}`;
    else result += character === ':' ? ': ' : character;
  }
  return json.length > longest ? `${result}\n… ${json.length - longest} more characters` : result;
}

const closing: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** However deep it goes, it is indented no further. */
const deepest = 20;
