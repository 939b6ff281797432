import type { Recorded, Settlement } from '../journal.ts';

interface Staged {
  cursor: number;
  /** By seq: the record that it gets, or null where it loses the one it had. */
  readonly records: Map<number, Recorded | null>;
}

/** The progress of routes that waits for the next commit. */
export class Settlements {
  readonly #routes = new Map<string, Staged>();

  get size(): number {
    return this.#routes.size;
  }

  stage(route: string, { cursor, recorded, settled }: Settlement): void {
    let staged = this.#routes.get(route);
    if (staged === undefined) {
      staged = { cursor, records: new Map() };
      this.#routes.set(route, staged);
    }
    staged.cursor = cursor;
    for (const record of recorded) {
      // What waits for the commit itself isn't in the table yet.
      const exists = record.exists && staged.records.get(record.seq)?.exists !== false;
      staged.records.set(record.seq, { ...record, exists });
    }
    for (const seq of settled) staged.records.set(seq, null);
  }

  /** True where a record would be missed by looking at the table alone. */
  hasRecords(route: string): boolean {
    const records = this.#routes.get(route)?.records.values() ?? [];
    return records.some((record) => record !== null);
  }

  /** Entries whose records are still in the table, though they are settled. */
  settledOf(route: string): ReadonlySet<number> {
    const records = [...(this.#routes.get(route)?.records ?? [])];
    return new Set(records.filter(([, record]) => record === null).map(([seq]) => seq));
  }

  entries(): IterableIterator<[string, Staged]> {
    return this.#routes.entries();
  }

  clear(): void {
    this.#routes.clear();
  }
}
