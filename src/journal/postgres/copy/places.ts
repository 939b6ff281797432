import type { CopySource } from '../../folder-journals.ts';
import type { Queryable } from '../connection.ts';

/** Ids that are looked up at a time. */
const atOnce = 1_000;

/** Where the entries of a journal in a folder are in the database, by their ids. */
export class Places {
  /** Of the entries that there are in the folder, in their order. */
  readonly #seqs: Float64Array;
  /** Where each of them is; 0 where it isn't there yet. */
  readonly #places: Float64Array;

  private constructor(seqs: Float64Array) {
    this.#seqs = seqs;
    this.#places = new Float64Array(seqs.length);
  }

  static async read(source: CopySource, database: Queryable): Promise<Places> {
    const { count } = source;
    const places = new Places(new Float64Array(count));
    let index = 0;
    let some: string[] = [];
    for (const { seq, id } of source.ids()) {
      places.#seqs[index] = seq;
      index += 1;
      some.push(id);
      if (some.length < atOnce && index < count) continue;
      const found = await placesOf(database, some);
      for (const [offset, place] of found) places.#places[index - some.length + offset] = place;
      some = [];
    }
    return places;
  }

  get count(): number {
    return this.#seqs.length;
  }

  /** How many are in the database. */
  get known(): number {
    return this.#places.reduce((count, place) => count + (place > 0 ? 1 : 0), 0);
  }

  /** Where an entry is; null where it is in neither of them. */
  of(seq: number): number | null {
    const index = this.#indexOf(seq);
    const place = this.#seqs[index] === seq ? this.#places[index] : 0;
    return place === undefined || place === 0 ? null : place;
  }

  set(seq: number, place: number): void {
    this.#places[this.#indexOf(seq)] = place;
  }

  /** Where the last entry is up to a place in the folder; what is before the first one where there is none. */
  through(seq: number): number {
    const index = this.#indexOf(seq);
    if (index >= 0) return this.#places[index] ?? 0;
    return Math.max(0, (this.#places[0] ?? 0) - 1);
  }

  /** Where those from one entry to another are. */
  between(from: number, to: number): number[] {
    const found: number[] = [];
    let index = this.#indexOf(from);
    if (this.#seqs[index] !== from) index += 1;
    for (; index < this.#seqs.length && (this.#seqs[index] ?? 0) <= to; index += 1)
      found.push(this.#places[index] ?? 0);
    return found;
  }

  /** Of the last entry up to there; -1 where there is none. */
  #indexOf(seq: number): number {
    let [low, high] = [0, this.#seqs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#seqs[middle] ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** By their places in the list. */
export async function placesOf(database: Queryable, ids: readonly string[]): Promise<Map<number, number>> {
  if (ids.length === 0) return new Map();
  const rows = await database.query<{ n: number; seq: number }>(
    `SELECT u.n - 1 AS n, i.seq FROM unnest($1::uuid[]) WITH ORDINALITY u(id, n),
       LATERAL (SELECT seq FROM ids WHERE id = u.id OFFSET 0) i`,
    [ids],
  );
  return new Map(rows.map(({ n, seq }) => [n, seq]));
}
