import { cellAt, childrenOf, Records, type TreePage, treePage } from './btree.ts';
import type { Pages } from './pages.ts';
import { fits, recordHeader, recordValues, type Shape, type Value } from './record.ts';
import { unusedPages } from './unused.ts';

/** A record with as many values as it was written with. */
export interface Row {
  /** 0 in an index, and where the order of its page shows that it was overwritten. */
  readonly rowid: number;
  /** Bytes of the record. */
  readonly size: number;
  readonly values: readonly Value[];
}

/**
 * Reads the records of some shapes on used pages, wherever these are in a tree and whether or not anything refers to
 * them. A record is returned if all of it is there: its part of the page, and its overflow pages.
 */
export function* carve<S extends Shape>(
  pages: Pages,
  numbers: Iterable<number>,
  shapes: readonly S[],
): Generator<readonly [S, Row]> {
  const isUnused = unusedPages(pages);
  const records = new Records(pages);
  for (const number of numbers) {
    const page = treePage(pages, number);
    if (page === null || page.kind === 'table' || isUnused(number)) continue;
    for (const shape of shapes) for (const row of rowsOf(page, shape, records)) yield [shape, row];
  }
}

/** Those rows of a page that have a shape. They lie in the order of their rowids. */
function rowsOf(page: TreePage, shape: Shape, records: Records): Row[] {
  if (isTable(page) !== (shape.of === 'table')) return [];
  const rows = page.cells.map((cell) => rowAt(page, cell, shape, records)).filter((row) => row !== null);
  if (!isTable(page)) return rows;
  const inOrder = longestInOrder(rows);
  return rows.map((row) => (inOrder.has(row) ? row : { ...row, rowid: 0 }));
}

/**
 * Walks a tree from its root, and returns whether all of it could be read.
 * @param take is told of each record, and says whether it makes sense
 */
export function walk(pages: Pages, root: number, shape: Shape, take: (row: Row) => boolean): boolean {
  const isUnused = unusedPages(pages);
  const records = new Records(pages);
  const seen = new Set<number>();
  const open = [root];
  let isWhole = true;
  for (let number = open.pop(); number !== undefined; number = open.pop()) {
    const page = seen.has(number) || isUnused(number) ? null : treePage(pages, number);
    seen.add(number);
    if (page === null || !page.isWhole || isTable(page) !== (shape.of === 'table')) {
      isWhole = false;
      continue;
    }
    open.push(...childrenOf(page));
    // Only a root may be empty.
    if (page.cells.length === 0 && number !== root) isWhole = false;
    if (page.kind === 'table') continue;
    for (const cell of page.cells) {
      const row = rowAt(page, cell, shape, records);
      if (row === null || !take(row)) isWhole = false;
    }
  }
  return isWhole;
}

function isTable({ kind }: TreePage): boolean {
  return kind === 'table' || kind === 'table leaf';
}

/** Beyond what a journal can have reached: a thousand a second for nine thousand years. */
const mostRowid = 2 ** 48;

function rowAt(page: TreePage, offset: number, shape: Shape, records: Records): Row | null {
  const cell = cellAt(page, offset);
  if (cell === null || cell.rowid > mostRowid) return null;
  const header = recordHeader(cell.local, cell.size);
  if (header === null || !fits(shape, header.types)) return null;
  const record = records.read(cell);
  const values = record === null ? null : recordValues(record, header);
  return values === null ? null : { rowid: cell.rowid, size: cell.size, values };
}

interface Chain {
  readonly row: Row;
  readonly length: number;
  readonly before: Chain | null;
}

/** As many as there can be so that each rowid is higher than the one before. */
function longestInOrder(rows: readonly Row[]): ReadonlySet<Row> {
  if (rows.every((row, index) => row.rowid > (rows[index - 1]?.rowid ?? -1))) return new Set(rows);
  const chains: Chain[] = [];
  for (const row of rows) {
    const before = longest(chains.filter((chain) => chain.row.rowid < row.rowid));
    chains.push({ row, length: (before?.length ?? 0) + 1, before });
  }
  const kept = new Set<Row>();
  for (let chain = longest(chains); chain !== null; chain = chain.before) kept.add(chain.row);
  return kept;
}

/** The last one of those that are longest: a number that was overwritten is a high one mostly. */
function longest(chains: readonly Chain[]): Chain | null {
  return chains.reduce<Chain | null>((best, chain) => (chain.length >= (best?.length ?? 0) ? chain : best), null);
}
