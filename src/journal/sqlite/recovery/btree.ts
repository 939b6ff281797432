import type { Pages } from './pages.ts';

/**
 * A page of a tree: a header of 8 bytes (kind, number of cells at 3; on pages that lead on 12, with the last child at
 * 8), then where each cell is, in the order of their keys. Page 1 has the database's header before it.
 */
export interface TreePage {
  readonly number: number;
  readonly bytes: Buffer;
  readonly kind: Kind;
  /** Where its cells begin, as far as they are inside of it. */
  readonly cells: readonly number[];
  /** False where some are not. */
  readonly isWhole: boolean;
}

/**
 * Tables keep their rows in leaves, by rowid; indexes, and tables without rowids, have them on pages that lead on too.
 */
type Kind = 'index' | 'table' | 'index leaf' | 'table leaf';

const kinds: Record<number, Kind> = { 2: 'index', 5: 'table', 10: 'index leaf', 13: 'table leaf' };

/** Null if it isn't one. */
export function treePage(pages: Pages, number: number): TreePage | null {
  const bytes = pages.read(number);
  const start = number === 1 ? 100 : 0;
  const kind = kinds[bytes?.[start] ?? 0];
  if (bytes === null || kind === undefined) return null;
  const pointers = start + (isLeaf(kind) ? 8 : 12);
  const count = bytes.readUInt16BE(start + 3);
  const end = pointers + 2 * count;
  if (end > bytes.length) return null;
  const all = Array.from({ length: count }, (_, index) => bytes.readUInt16BE(pointers + 2 * index));
  const cells = all.filter((cell) => cell >= end && cell <= bytes.length - 4);
  return { number, bytes, kind, cells, isWhole: cells.length === count };
}

function isLeaf(kind: Kind): boolean {
  return kind.endsWith('leaf');
}

/** The pages that a page leads to. */
export function childrenOf({ number, bytes, kind, cells }: TreePage): number[] {
  if (isLeaf(kind)) return [];
  const last = bytes.readUInt32BE((number === 1 ? 100 : 0) + 8);
  return [...cells.map((cell) => bytes.readUInt32BE(cell)), last];
}

/** A record as it lies in its page: what doesn't fit is in a chain of overflow pages. */
interface Cell {
  /** 0 in an index. */
  readonly rowid: number;
  /** Bytes of the whole record. */
  readonly size: number;
  readonly local: Buffer;
  /** The first page of the chain, 0 where there is none. */
  readonly overflow: number;
}

/** The cell at a place of a page that holds records; null where it can't be one. */
export function cellAt({ bytes, kind }: TreePage, offset: number): Cell | null {
  let at = kind === 'index' ? offset + 4 : offset;
  const size = varintAt(bytes, at);
  if (size === null) return null;
  at += size.bytes;
  const rowid = kind === 'table leaf' ? varintAt(bytes, at) : { value: 0, bytes: 0 };
  if (rowid === null) return null;
  at += rowid.bytes;
  const local = localBytes(size.value, bytes.length, kind);
  const isAll = local === size.value;
  if (at + local + (isAll ? 0 : 4) > bytes.length) return null;
  return {
    rowid: rowid.value,
    size: size.value,
    local: bytes.subarray(at, at + local),
    overflow: isAll ? 0 : bytes.readUInt32BE(at + local),
  };
}

/** How much of a record lies in its page, as the file format has it. */
function localBytes(size: number, page: number, kind: Kind): number {
  const most = kind === 'table leaf' ? page - 35 : Math.floor(((page - 12) * 64) / 255) - 23;
  if (size <= most) return size;
  const least = Math.floor(((page - 12) * 32) / 255) - 23;
  const even = least + ((size - least) % (page - 4));
  return even <= most ? even : least;
}

/**
 * A whole number of up to nine bytes, of which each but the last has seven bits and says whether more come. Null where
 * it is beyond a JavaScript one.
 */
export function varintAt(bytes: Buffer, offset: number): { value: number; bytes: number } | null {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes[offset + index];
    if (byte === undefined) return null;
    value = value * 128 + (byte & 127);
    if (byte < 128) return Number.isSafeInteger(value) ? { value, bytes: index + 1 } : null;
  }
  return null;
}

/** Larger ones are taken for a lie. */
const mostBytes = 256 * 1024 * 1024;

/**
 * How often a page may be read as part of a chain: numbers that were overwritten could lead over the same ones without
 * end.
 */
const mostVisits = 8;

/** Brings records together. */
export class Records {
  readonly #pages: Pages;
  readonly #visits: Uint8Array;

  constructor(pages: Pages) {
    this.#pages = pages;
    this.#visits = new Uint8Array(pages.count + 1);
  }

  /** The bytes of a whole record; null where its chain is broken. */
  read({ size, local, overflow }: Cell): Buffer | null {
    if (overflow === 0) return local;
    if (size > mostBytes) return null;
    const parts = [local];
    let left = size - local.length;
    let next = overflow;
    while (left > 0) {
      // An overflow page has the number of the next one, 0 in the last, and the bytes.
      const page = this.#visit(next);
      if (page === null) return null;
      parts.push(page.subarray(4, Math.min(page.length, 4 + left)));
      left -= page.length - 4;
      next = page.readUInt32BE(0);
    }
    return next === 0 ? Buffer.concat(parts, size) : null;
  }

  #visit(number: number): Buffer | null {
    const visits = this.#visits[number];
    if (visits === undefined || visits >= mostVisits) return null;
    this.#visits[number] = visits + 1;
    return this.#pages.read(number);
  }
}
