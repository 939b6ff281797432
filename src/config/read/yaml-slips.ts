import type { Excerpt } from '../../common/text/slips.ts';

/** What a person did to a line of YAML, and the line as it was meant. */
export interface YamlSlip {
  readonly message: string;
  /** Of the line, counted from 0. */
  readonly row: number;
  readonly excerpt: Excerpt;
}

/** A line written differently. */
interface Cure {
  readonly message: string;
  /** Where in the line it was written, counted from 0. */
  readonly at: number;
  readonly fixed: string;
}

/** What a line could have been, by the lines around it. */
type Cures = (lines: readonly string[], row: number) => readonly Cure[];

/**
 * Finds the mistake that a person made behind the parser's error. A mistake is recognised by its correction: with that,
 * the parser gets further.
 * @param row of the parser's first error
 * @param rowOfError that of a text; undefined if it has none
 */
export function findYamlSlip(
  text: string,
  row: number,
  rowOfError: (text: string) => number | undefined,
): YamlSlip | undefined {
  if (text.length > largest) return undefined;
  const lines = text.split('\n');
  let tries = 0;
  // A next line that stands one space too far in is taken for a part of this one.
  const next = indentOf(lines[row + 1] ?? '') === columnOf(lines[row] ?? '') + 1 ? [row + 1] : [];
  // The line itself, and those before it that may have left something open.
  const rows = [...next, row, ...openRows(lines, row), row - 1, row - 2].filter((one) => lines[one] !== undefined);
  for (const cures of all) {
    for (const candidate of new Set(rows)) {
      for (const { message, at, fixed } of cures(lines, candidate)) {
        tries += 1;
        if (tries > mostTries) return undefined;
        const reached = rowOfError(lines.with(candidate, fixed).join('\n'));
        if (reached !== undefined && reached <= Math.max(row, candidate)) continue;
        const line = lines[candidate] ?? '';
        return { message, row: candidate, excerpt: { line, column: at + 1, fixed } };
      }
    }
  }
  return undefined;
}

/** Each try reads the whole file. A configuration has some thousand characters. */
const mostTries = 200;
const largest = 256 * 1024;

/** How far back something may have been left open. */
const farthest = 200;

/** Lines with a bracket or a quote that they don't close, the nearest first. */
function openRows(lines: readonly string[], row: number): number[] {
  const rows: number[] = [];
  for (let one = Math.min(row, lines.length - 1); one >= Math.max(0, row - farthest) && rows.length < 3; one -= 1) {
    const { open, quote } = scan(lines[one] ?? '');
    if (open.length > 0 || quote !== undefined) rows.push(one);
  }
  return rows;
}

interface Scan {
  /** Brackets that the line leaves open, with their places. */
  readonly open: readonly { readonly bracket: string; readonly at: number }[];
  /** Where one begins that closes nothing, or another bracket. */
  readonly wrong: { readonly at: number; readonly expected: string | undefined } | undefined;
  /** Where a quote begins that has no end. */
  readonly quote: number | undefined;
  /** The end of the value, without a comment. */
  readonly end: number;
}

const closers: Readonly<Record<string, string>> = { '[': ']', '{': '}' };

function scan(line: string): Scan {
  const open: { bracket: string; at: number }[] = [];
  let wrong: Scan['wrong'];
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? '';
    const begins = at === 0 || /[\s[{,:-]/.test(line[at - 1] ?? '');
    if ((character === '"' || character === "'") && begins) {
      const end = endOfQuote(line, at);
      if (end === undefined) return { open, wrong, quote: at, end: line.trimEnd().length };
      at = end;
    } else if (character === '#' && (at === 0 || /\s/.test(line[at - 1] ?? ''))) {
      return { open, wrong, quote: undefined, end: line.slice(0, at).trimEnd().length };
    } else if (closers[character] !== undefined) open.push({ bracket: character, at });
    else if (character === ']' || character === '}') {
      const last = open.pop();
      const expected = closers[last?.bracket ?? ''];
      if (expected !== character) wrong ??= { at, expected };
    }
  }
  return { open, wrong, quote: undefined, end: line.trimEnd().length };
}

function endOfQuote(line: string, begin: number): number | undefined {
  const quote = line[begin];
  for (let at = begin + 1; at < line.length; at += 1) {
    if (quote === '"' && line[at] === '\\') at += 1;
    else if (line[at] === quote && quote === "'" && line[at + 1] === quote) at += 1;
    else if (line[at] === quote) return at;
  }
  return undefined;
}

/** A cure for each match of a pattern in the line; `$1` and its kind are its groups. */
function rewrite(pattern: RegExp, instead: string, message: string): Cures {
  return (lines, row) => {
    const line = lines[row] ?? '';
    return [...line.matchAll(pattern)].map((match) => {
      const [written] = match;
      const filled = (text: string) => text.replace(/\$(\d)/g, (_, group) => match[Number(group)] ?? '');
      const after = line.slice(match.index + written.length);
      const at = match.index + written.length - written.trimStart().length;
      return { message: filled(message), at, fixed: `${line.slice(0, match.index)}${filled(instead)}${after}` };
    });
  };
}

const needsColon = 'a key needs a colon and a space behind it';
/** What may stand before a key: spaces, and the dashes of lists. */
const start = String.raw`^(\s*(?:- +)*)`;

/** The most telling first: putting a value in quotes cures nearly everything. */
const all: readonly Cures[] = [
  tabs,
  rewrite(/^(\s*)\/\/(.*)$/g, '$1#$2', 'a comment begins with #'),
  rewrite(new RegExp(`${start}([\\w.-]+)\\s*(?:=>|:?=)\\s*(.*)$`, 'g'), '$1$2: $3', `${needsColon}, not =`),
  rewrite(new RegExp(`${start}([A-Za-z][\\w-]*):(?=[^\\s:/])`, 'g'), '$1$2: ', needsColon),
  rewrite(/(?<=[{,]\s*)([A-Za-z][\w-]*):(?=[^\s:/])/g, '$1: ', needsColon),
  rewrite(/^(\s*)-(?=[^\s-])/g, '$1- ', 'the dash of a list needs a space behind it'),
  rewrite(new RegExp(`${start}([A-Za-z][\\w-]*)\\s*$`, 'g'), '$1$2:', needsColon),
  block,
  both,
  indents,
  brackets,
  rewrite(/,(\s*,)+/g, ',', 'there is a comma too many'),
  rewrite(/([^\s,{[:])\s+(?=[A-Za-z][\w-]*:\s)/g, '$1, ', 'a comma is missing before this entry'),
  rewrite(new RegExp(`${start}([A-Za-z][\\w-]*) +(?=\\S)`, 'g'), '$1$2: ', needsColon),
  quotes,
  rewrite(/(?<=\S)[,;]\s*$/g, '', 'no comma or semicolon ends a line'),
  backslashes,
  rewrite(
    /(?<=[[{,].*:\s+)([^\s,'"[\]{}$][^\s,'"]*\{+[^{}]*\}+[^\s,'"\]}]*)/g,
    "'$1'",
    'a value with braces must be in quotes here',
  ),
  rewrite(/(?<=[\s[{,])(\$\{[^}]*\}[^\s,\]}]*)/g, "'$1'", 'a value with braces must be in quotes here'),
  rewrite(
    /(?<=[\s[{,])([*&!%@`])([^\s,\]}]*)(?=\s*[,\]}])/g,
    "'$1$2'",
    'a value that begins with $1 must be in quotes',
  ),
  quoteWhole,
];

function tabs(lines: readonly string[], row: number): readonly Cure[] {
  const line = lines[row] ?? '';
  const [indent = ''] = /^\s*/.exec(line) ?? [];
  if (!indent.includes('\t')) return [];
  const message = `line ${row + 1} is indented with a tab, and YAML takes only spaces`;
  return [{ message, at: indent.indexOf('\t'), fixed: `${indent.replaceAll('\t', '  ')}${line.trimStart()}` }];
}

/** The indents of what stands around are tried for a line, the most similar first. */
function indents(lines: readonly string[], row: number): readonly Cure[] {
  const line = lines[row] ?? '';
  const own = indentOf(line);
  if (line.trim() === '') return [];
  const around = [...lines.slice(Math.max(0, row - 6), row).toReversed(), ...lines.slice(row + 1, row + 4)];
  const others = new Set(
    around.filter((other) => other.trim() !== '').flatMap((other) => [columnOf(other), indentOf(other)]),
  );
  return [...others]
    .filter((other) => other !== own)
    .toSorted((one, other) => Math.abs(one - own) - Math.abs(other - own))
    .map((other) => ({
      message: `line ${row + 1} is indented by ${own}, its neighbours by ${other}`,
      at: own,
      fixed: `${' '.repeat(other)}${line.trimStart()}`,
    }));
}

/** Behind `|` and `>` comes text that stands further in than its key. */
function block(lines: readonly string[], row: number): readonly Cure[] {
  const before = lines.slice(0, row).findLastIndex((line) => line.trim() !== '');
  const key = lines[before] ?? '';
  const mark = /[:-]\s+([|>])[+-]?\d?\s*$/.exec(key)?.[1];
  if (mark === undefined) return [];
  const message = `the text behind ${mark} must be indented further than its key`;
  return [{ message, at: 0, fixed: `${' '.repeat(indentOf(key) + 2)}${(lines[row] ?? '').trimStart()}` }];
}

function brackets(lines: readonly string[], row: number): readonly Cure[] {
  const line = lines[row] ?? '';
  const { open, wrong, end } = scan(line);
  const cures: Cure[] = [];
  if (wrong !== undefined) {
    const { at, expected = '' } = wrong;
    const message =
      expected === ''
        ? `this ${line[at]} closes nothing`
        : `here ${expected} must close what was opened, not ${line[at]}`;
    cures.push({ message, at, fixed: `${line.slice(0, at)}${expected}${line.slice(at + 1)}` });
  }
  const last = open.at(-1);
  if (last !== undefined) {
    const missing = open
      .toReversed()
      .map(({ bracket }) => closers[bracket])
      .join('');
    const inner = last.bracket === '{' ? ' ' : '';
    const fixed = `${line.slice(0, end)}${inner}${missing}${line.slice(end)}`;
    cures.push({ message: `this ${last.bracket} has no ${closers[last.bracket]}`, at: last.at, fixed });
  }
  return cures;
}

function quotes(lines: readonly string[], row: number): readonly Cure[] {
  const line = lines[row] ?? '';
  const { quote: at, end } = scan(line);
  if (at === undefined) return [];
  const message = `this ${line[at]} has no end`;
  const [closing = ''] = /(?:\s*[\]},])*$/.exec(line.slice(0, end)) ?? [];
  const places = [end - closing.length, end];
  return places.map((place) => ({ message, at, fixed: `${line.slice(0, place)}${line[at]}${line.slice(place)}` }));
}

function backslashes(lines: readonly string[], row: number): readonly Cure[] {
  const line = lines[row] ?? '';
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
    .filter(([, inner = '']) => inner.includes('\\'))
    .map(({ 0: written, 1: inner = '', index }) => ({
      message: 'in double quotes, a backslash begins an escape: use single quotes',
      at: index + written.indexOf('\\'),
      fixed: `${line.slice(0, index)}'${inner.replaceAll('\\"', '"').replaceAll("'", "''")}'${line.slice(index + written.length)}`,
    }));
}

/** `sink: log`, and options of it below. */
function both(lines: readonly string[], row: number): readonly Cure[] {
  const line = lines[row] ?? '';
  const { key = '', value } = entryOf(line) ?? {};
  const next = lines.slice(row + 1).find((other) => other.trim() !== '') ?? '';
  // A space too many is no new level.
  if (value === undefined || indentOf(next) < columnOf(line) + 2 || entryOf(next) === undefined) return [];
  return [{ message: 'a key has either a value or entries below it', at: key.length, fixed: key.trimEnd() }];
}

function quoteWhole(lines: readonly string[], row: number): readonly Cure[] {
  const { key = '', value = '' } = entryOf(lines[row] ?? '') ?? {};
  // A list or a mapping isn't meant as text.
  if (value === '' || /^(\[|\{(?!\{))/.test(value)) return [];
  const message = /^["']/.test(value)
    ? 'what goes on behind a quote must be in quotes as a whole'
    : /:\s/.test(value)
      ? 'a value with a colon and a space in it must be in quotes'
      : /^[*&!%@`|>]/.test(value)
        ? `a value that begins with ${value[0]} must be in quotes`
        : 'a value begins with, or goes on with, something that has a meaning in YAML; put it in quotes';
  const doubled = /^'(.*)'$/.exec(value)?.[1] ?? value;
  const fixed = `${key}'${doubled.replaceAll("'", "''")}'`;
  return [{ message: doubled === value ? message : "within '…', a ' is written twice", at: key.length, fixed }];
}

/** The key of a line with all that stands before its value; undefined where the line has none. */
function entryOf(line: string): { key: string; value: string } | undefined {
  const { end } = scan(line);
  const match = /^(\s*(?:- +)*(?:[\w."'-]+:\s+|- +))(\S.*)$/.exec(line.slice(0, Math.max(end, 0)));
  return match === null ? undefined : { key: match[1] ?? '', value: match[2] ?? '' };
}

/** Where the key of a line stands, behind the dash of a list. */
function columnOf(line: string): number {
  return /^\s*(?:- +)*/.exec(line)?.[0].length ?? 0;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
