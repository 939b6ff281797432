/** HTML that is safe to send: only `html` makes it, which escapes whatever is put in. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * A piece of a page. What is put in is escaped, for a text and for an attribute in double quotes; lists are joined; null,
 * undefined and false are nothing. Characters that steer a terminal or turn the direction of writing are shown as escapes:
 * what a notification holds may not dress itself up as ours.
 */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(pieces.map((piece, index) => (index === 0 ? piece : textOf(parts[index - 1]) + piece)).join(''));
}

export const nothing = new Html('');

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return String(part).replace(special, escapeOf);
}

/** Beside what HTML gives a meaning: control characters but tab and line feed, and the marks that turn the direction. */
const special = /[&<>"']|[^\P{Cc}\t\n]|[\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeOf(character: string): string {
  return entities[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
