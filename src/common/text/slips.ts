/** A line that can't be read, and where in it. */
export interface Excerpt {
  readonly line: string;
  /** Counts from 1. */
  readonly column: number;
  /** The line as it was meant. */
  readonly fixed?: string;
}

/** A text that can't be read, with the line of it that is at fault where that is known. */
export class Unreadable extends Error {
  override readonly name: string = 'Unreadable';
  readonly excerpt: Excerpt | undefined;

  constructor(message: string, excerpt?: Excerpt, options?: ErrorOptions) {
    super(message, options);
    this.excerpt = excerpt;
  }
}

/** The properties to add to an error. */
export function excerptOf(error: unknown): { readonly excerpt?: Excerpt } {
  return error instanceof Unreadable && error.excerpt !== undefined ? { excerpt: error.excerpt } : {};
}

/** A mistake that people make in writing, and what they mean. */
export interface Slip {
  /** Has the flag `g`. */
  readonly pattern: RegExp;
  /** The replacement of a match; the match itself if it isn't this mistake. */
  instead(match: readonly string[]): string;
  /** True where that may mean something else than was meant: it is not shown. */
  readonly isGuess?: true;
  /** `$1` and its kind are groups of the match, `$*` what is written instead. */
  readonly message: string;
}

interface Found {
  readonly message: string;
  /** Where in the text it begins. */
  readonly offset: number;
  readonly excerpt: Excerpt;
}

/**
 * Finds the mistake that a person made behind the error that a parser reports. A mistake is recognised by its
 * correction: with that, the parser gets further.
 * @param progress how far a parser gets with a text; Infinity if it accepts all of it
 * @param hide replaces text that no correction may change by as many other characters, and returns what restores it
 */
export function findSlip(
  text: string,
  slips: readonly Slip[],
  progress: (text: string) => number,
  hide: (text: string) => Hidden = (all) => ({ text: all, restore: (same) => same }),
): Found | undefined {
  let first: Cure | undefined;
  let isGuess = false;
  let current = text;
  let tries = 0;
  const bounded = (changed: string) => {
    tries += 1;
    return tries > mostTries ? Number.NEGATIVE_INFINITY : progress(changed);
  };
  let reached = bounded(text);
  for (let round = 0; round < mostRounds && tries <= mostTries && reached < Number.POSITIVE_INFINITY; round += 1) {
    const next = nextCure(current, slips, reached, bounded, hide);
    if (next === undefined) break;
    first ??= next;
    isGuess ||= next.isGuess;
    current = next.text;
    reached = next.reached;
  }
  if (first === undefined) return undefined;
  const { line, column, row } = lineAt(text, first.offset);
  const isCured = reached === Number.POSITIVE_INFINITY && !isGuess;
  const fixed = isCured ? current.split('\n')[row] : undefined;
  return {
    message: first.message,
    offset: first.offset,
    excerpt: { line, column, ...(fixed && fixed !== line && { fixed }) },
  };
}

/** A text has no more slips than this that are worth a guess. */
const mostRounds = 20;
/** Each reads the whole text. */
const mostTries = 500;

/** A text with parts that are out of reach. */
export interface Hidden {
  readonly text: string;
  restore(text: string): string;
}

interface Cure {
  readonly text: string;
  readonly message: string;
  readonly offset: number;
  readonly reached: number;
  readonly isGuess: boolean;
}

/** One correction at a time, because correct text elsewhere may look the same. */
function nextCure(
  text: string,
  slips: readonly Slip[],
  before: number,
  progress: (text: string) => number,
  hide: (text: string) => Hidden,
): Cure | undefined {
  const hidden = hide(text);
  for (const { pattern, instead, message, isGuess = false } of slips) {
    for (const match of hidden.text.matchAll(pattern)) {
      const [written = ''] = match;
      const replacement = instead(match);
      if (replacement === written) continue;
      const after = hidden.text.slice(match.index + written.length);
      const cured = hidden.restore(`${hidden.text.slice(0, match.index)}${replacement}${after}`);
      const reached = progress(cured);
      if (reached === Number.NEGATIVE_INFINITY) return undefined;
      if (reached <= before) continue;
      const said = message
        .replaceAll(/\$(\d)/g, (_, group) => hidden.restore(match[Number(group)] ?? ''))
        .replaceAll('$*', () => hidden.restore(replacement.trim()));
      const offset = match.index + written.length - written.trimStart().length;
      return { text: cured, message: said, offset, reached, isGuess };
    }
  }
  return undefined;
}

/** The line of an offset, for text that needs no correction. */
export function excerptAt(text: string, offset: number): Excerpt {
  const { line, column } = lineAt(text, offset);
  return { line, column };
}

/** The line that an offset is in, with both counted. */
function lineAt(text: string, offset: number): { line: string; column: number; row: number } {
  const before = text.slice(0, offset).split('\n');
  return {
    line: text.split('\n')[before.length - 1] ?? '',
    column: (before.at(-1)?.length ?? 0) + 1,
    row: before.length - 1,
  };
}

/**
 * An excerpt as lines for a terminal, with a caret under the place.
 * @param width characters that the line may have; of a longer one, what is around the place
 */
export function excerptLines({ line, column, fixed }: Excerpt, width = Number.POSITIVE_INFINITY): string[] {
  const { text, at } = around(visible(line), column - 1, Math.max(20, width - 2));
  const shown = [`  ${text}`, `  ${' '.repeat(at)}^`];
  return fixed === undefined ? shown : [...shown, `write:`, `  ${visible(fixed)}`];
}

function around(line: string, place: number, room: number): { text: string; at: number } {
  if (line.length <= room) return { text: line, at: place };
  const from = Math.max(0, Math.min(place - Math.floor(room / 2), line.length - room));
  const to = from + room;
  const [before, after] = [from > 0 ? '…' : '', to < line.length ? '…' : ''];
  return { text: `${before}${line.slice(from + before.length, to - after.length)}${after}`, at: place - from };
}

/** Tabs as arrows: each takes one column, and is seen. */
function visible(line: string): string {
  return line.replaceAll('\t', '→');
}
