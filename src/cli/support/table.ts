import type { Colour, Terminal } from './terminal.ts';

export interface Column {
  readonly head: string;
  /** The head while the cells are brief. */
  readonly briefHead?: string;
  /** How wide it is at least, where a list grows line by line. */
  readonly width?: number;
  /** Where a line is too long for the terminal, its cells are brief; where it still is, they are cut to no less than so many characters. */
  readonly min?: number;
  /** Where that is not enough either, the column is left out: the one with the highest number first. */
  readonly spare?: number;
  /** Numbers stand at its right. */
  readonly right?: true;
}

export type Cell = string | { readonly text: string; readonly colour?: Colour; readonly brief?: string };

/** A list: its heads before the first rows, and cells that stand under each other, two spaces apart. */
export class Table {
  readonly #terminal: Terminal;
  readonly #heads: readonly Cell[];
  /** Those that are shown. */
  #columns: readonly (Column & { readonly index: number })[];
  #natural: number[];
  #isHeaded = false;
  #isBrief = false;

  constructor(terminal: Terminal, columns: readonly Column[]) {
    this.#terminal = terminal;
    this.#heads = columns.map(({ head, briefHead = head }) => ({ text: head, brief: briefHead }));
    this.#columns = columns.map((column, index) => ({ ...column, index }));
    this.#natural = columns.map(({ width = 0 }) => width);
  }

  async print(rows: readonly (readonly Cell[])[]): Promise<void> {
    for (const line of this.lines(rows)) await this.#terminal.print(line);
  }

  /** As text. What is left out, is brief, or grew wider, stays so for the rows that follow. */
  lines(rows: readonly (readonly Cell[])[]): string[] {
    if (rows.length === 0) return [];
    const shown = this.#isHeaded ? rows : [this.#heads, ...rows];
    this.#isHeaded = true;
    const widths = this.#fit(shown);
    return shown.map((row) =>
      this.#columns
        .map(({ index, right }, place) => {
          const cell = row[index] ?? '';
          const text = cut(this.#textOf(cell), widths[place] ?? 0);
          const padded = right ? text.padStart(widths[place] ?? 0) : text.padEnd(widths[place] ?? 0);
          // No spaces at a line's end.
          const trimmed = place === this.#columns.length - 1 ? padded.trimEnd() : padded;
          const colour = typeof cell === 'string' ? undefined : cell.colour;
          return colour === undefined ? trimmed : this.#terminal.paint(colour, trimmed);
        })
        .join('  ')
        .trimEnd(),
    );
  }

  #textOf(cell: Cell): string {
    if (typeof cell === 'string') return cell;
    return this.#isBrief ? (cell.brief ?? cell.text) : cell.text;
  }

  /** The width of each column that is shown. */
  #fit(rows: readonly (readonly Cell[])[]): number[] {
    const before = this.#natural;
    this.#natural = before.map((width, index) =>
      rows.reduce((widest, row) => Math.max(widest, this.#textOf(row[index] ?? '').length), width),
    );
    const widths = this.#columns.map(({ index }) => this.#natural[index] ?? 0);
    const most = this.#terminal.width;
    if (most === undefined) return widths;
    const least = this.#columns.map(({ min }, place) => Math.min(min ?? Number.POSITIVE_INFINITY, widths[place] ?? 0));
    if (lengthOf(least) > most) {
      if (!this.#isBrief) {
        this.#isBrief = true;
        this.#natural = before;
        return this.#fit(rows);
      }
      const spare = this.#columns.filter((column) => column.spare !== undefined);
      const next = spare.toSorted((one, other) => (other.spare ?? 0) - (one.spare ?? 0))[0];
      if (next !== undefined) {
        this.#columns = this.#columns.filter((column) => column !== next);
        return this.#fit(rows);
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

function lengthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 2 * Math.max(0, widths.length - 1));
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
