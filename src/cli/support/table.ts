import type { Command } from 'commander';
import { printable } from '../../common/text/format.ts';
import type { Colour, Terminal } from './terminal.ts';
import { fullTime, shortTime, type TimeZoneOption } from './times.ts';

export interface Column {
  readonly head: string;
  /** How wide it is at least, where a list grows line by line. */
  readonly width?: number;
  /** Where a line is too long for the terminal, a cell of it is cut to no less than so many characters. */
  readonly min?: number;
  /** Where that is not enough, the column is left out: the one with the highest number first. */
  readonly spare?: number;
  /** Numbers stand at its right. */
  readonly right?: true;
}

export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface ListOptions extends TimeZoneOption {
  readonly wide?: true;
}

/** What every command has that lists something, beside its time zone where it shows times. */
export function withListOptions(command: Command): Command {
  return command.option('--wide', 'show all columns in full, even if the terminal is narrower');
}

/** Times of a list: short in a terminal, in full where the lines go on to a program. */
export function listTime(terminal: Terminal, options: ListOptions): (at: number) => string {
  const isShort = widthFor(terminal, options) !== undefined;
  return (at) => (isShort ? shortTime(at, options) : fullTime(at, options));
}

/** Characters that a line may have; undefined where it may have any number: a program reads it, or somebody said `--wide`. */
export function widthFor({ stdout }: Terminal, { wide }: ListOptions): number | undefined {
  return wide ? undefined : stdout.columns;
}

/** A list: its heads before the first rows, and cells that stand under each other, two spaces apart. */
export class Table {
  readonly #terminal: Terminal;
  readonly #width: number | undefined;
  readonly #heads: readonly string[];
  /** Those that are shown. */
  #columns: readonly (Column & { readonly index: number })[];
  #natural: number[];
  #isHeaded = false;

  constructor(terminal: Terminal, columns: readonly Column[], options: ListOptions) {
    this.#terminal = terminal;
    this.#width = widthFor(terminal, options);
    this.#heads = columns.map(({ head }) => head);
    this.#columns = columns.map((column, index) => ({ ...column, index }));
    this.#natural = columns.map(({ head, width = 0 }) => Math.max(head.length, width));
  }

  async print(rows: readonly (readonly Cell[])[]): Promise<void> {
    for (const line of this.lines(rows)) await this.#terminal.print(line);
  }

  /** As text. What is left out, or grew wider, stays so for the rows that follow. */
  lines(rows: readonly (readonly Cell[])[]): string[] {
    if (rows.length === 0) return [];
    for (const row of rows)
      for (const [index, cell] of row.entries())
        this.#natural[index] = Math.max(this.#natural[index] ?? 0, textOf(cell).length);
    const widths = this.#fit();
    const heads: (readonly Cell[])[] = this.#isHeaded ? [] : [this.#heads];
    this.#isHeaded = true;
    return [...heads, ...rows].map((row) =>
      this.#columns
        .map(({ index, right }, place) => {
          const cell = row[index] ?? '';
          const text = cut(textOf(cell), widths[place] ?? 0);
          const padded = right ? text.padStart(widths[place] ?? 0) : text.padEnd(widths[place] ?? 0);
          // No spaces at a line's end.
          const shown = place === this.#columns.length - 1 ? padded.trimEnd() : padded;
          return typeof cell === 'string' ? shown : this.#terminal.paint(cell.colour, shown);
        })
        .join('  ')
        .trimEnd(),
    );
  }

  /** The width of each column that is shown. */
  #fit(): number[] {
    const widths = this.#columns.map(({ index }) => this.#natural[index] ?? 0);
    const most = this.#width;
    if (most === undefined) return widths;
    const least = this.#columns.map(({ min }, place) => Math.min(min ?? Number.POSITIVE_INFINITY, widths[place] ?? 0));
    if (lengthOf(least) > most) {
      const spare = this.#columns.filter((column) => column.spare !== undefined);
      const next = spare.toSorted((one, other) => (other.spare ?? 0) - (one.spare ?? 0))[0];
      if (next !== undefined) {
        this.#columns = this.#columns.filter((column) => column !== next);
        return this.#fit();
      }
    }
    while (lengthOf(widths) > most) {
      const wasted = widths.map((width, place) => (width > (least[place] ?? 0) ? width : 0));
      const widest = wasted.indexOf(Math.max(...wasted));
      if (wasted[widest] === 0) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
    return widths;
  }
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function lengthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 2 * Math.max(0, widths.length - 1));
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Lines of a text that are no longer than that, broken at spaces; those behind the first are indented. */
export function wrap(text: string, width: number | undefined, indent: number): string[] {
  if (width === undefined || text.length <= width) return [text];
  const at = text.lastIndexOf(' ', width);
  // One long word, such as a path, is the terminal's to break.
  const end = at > indent ? at : text.indexOf(' ', width);
  if (end === -1) return [text];
  return [text.slice(0, end), ...wrap(`${' '.repeat(indent)}${text.slice(end + 1)}`, width, indent)];
}

/** Broken at spaces where the terminal ends; what others have written can't steer it. */
export async function printWrapped(terminal: Terminal, line: string, indent: number): Promise<void> {
  for (const part of wrap(printable(line), terminal.stdout.columns, indent)) await terminal.print(part);
}
