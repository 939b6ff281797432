import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';

/** A row with its rowid as `place`. */
export type PlacedRow = Record<string, SQLOutputValue> & { readonly place: number };

/** The places between which rows are known to have been. */
export interface Span {
  readonly oldest: number;
  readonly newest: number;
}

/** After a row that can't be read, so many places behind it are looked at one by one. */
const closeLook = 10_000;

/** Beyond the reach of any journal; a search for the next row that can be read takes this many doublings at most. */
const mostDoublings = 46;

/**
 * All rows of a table that can be read, in the order of their rowids, one at a time. A row that can't be read costs some
 * dozens of probes, however many of them stand together, and the close look.
 * @param missing is told of places that can't be read; some may have been empty
 */
export function* readableRows(
  table: ReadableTable,
  span: Span,
  missing: (places: number) => void,
): Generator<PlacedRow> {
  let position = 0;
  for (;;) {
    try {
      for (const row of table.after(position)) {
        if (row.place > position && table.has(row.place, position)) {
          position = row.place;
          yield row;
        } else missing(1);
      }
      return;
    } catch {
      // Whatever the reason: this one can't be read, but those behind it perhaps.
    }
    const next = nextReadable(table, position);
    const end = next ?? Math.max(span.newest, position) + 1;
    const from = position === 0 ? Math.min(span.oldest, end) : position + 1;
    let lost = end - from;
    for (const row of table.oneByOne(from, Math.min(next ?? Number.POSITIVE_INFINITY, from + closeLook))) {
      lost -= 1;
      position = row.place;
      yield row;
    }
    missing(Math.max(0, lost));
    if (next === null) return;
    position = next - 1;
  }
}

/** The place of the next row that can be read; null where there is none, or none to be found. */
function nextReadable(table: ReadableTable, position: number): number | null {
  let failing = position;
  for (let doubling = 0; doubling < mostDoublings; doubling += 1) {
    const reading = position + 2 ** doubling;
    const found = table.placeAfter(reading);
    if (found === 'nothing') return null;
    if (found !== 'unreadable') return narrowed(table, failing, reading, found);
    failing = reading;
  }
  return null;
}

/** The search went in ever larger steps: the first row that can be read is somewhere in the last one. */
function narrowed(table: ReadableTable, failing: number, reading: number, found: number): number {
  let [low, high, first] = [failing, reading, found];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const place = table.placeAfter(middle);
    if (typeof place === 'number') {
      first = Math.min(first, place);
      high = middle;
    } else low = middle;
  }
  return first;
}

/** A table of which parts may be unreadable: then reading throws. */
export class ReadableTable {
  readonly #after: StatementSync;
  readonly #firstAfter: StatementSync;
  readonly #at: StatementSync;

  /** @throws Error where not even the table's definition can be read */
  constructor(database: DatabaseSync, table: string, columns: readonly string[]) {
    const select = `SELECT rowid AS place, ${columns.join(', ')} FROM ${table}`;
    this.#after = database.prepare(`${select} WHERE rowid > ? ORDER BY rowid`);
    this.#firstAfter = database.prepare(`${select} WHERE rowid > ? ORDER BY rowid LIMIT 1`);
    this.#at = database.prepare(`${select} WHERE rowid = ?`);
    // A number that was overwritten may be too large for a JavaScript one.
    for (const statement of [this.#after, this.#firstAfter, this.#at]) statement.setReadBigInts(true);
  }

  *after(position: number): Generator<PlacedRow> {
    for (const row of this.#after.iterate(position)) yield placed(row);
  }

  /** A number that was overwritten isn't found again from the table's root, and would lead astray whoever goes on from it. */
  has(place: number, position: number): boolean {
    return place === position + 1 || (Number.isSafeInteger(place) && this.#read(place) !== undefined);
  }

  placeAfter(position: number): number | 'nothing' | 'unreadable' {
    try {
      const row = this.#firstAfter.get(position);
      if (row === undefined) return 'nothing';
      const { place } = placed(row);
      return place > position && this.has(place, position) ? place : 'unreadable';
    } catch {
      return 'unreadable';
    }
  }

  *oneByOne(from: number, to: number): Generator<PlacedRow> {
    for (let place = from; place < to; place += 1) {
      const row = this.#read(place);
      if (row !== undefined) yield row;
    }
  }

  #read(place: number): PlacedRow | undefined {
    try {
      const row = this.#at.get(place);
      return row === undefined ? undefined : placed(row);
    } catch {
      return undefined;
    }
  }
}

function placed(row: Record<string, SQLOutputValue>): PlacedRow {
  return { ...row, place: Number(row.place) };
}
