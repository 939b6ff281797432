import type { Listed, Settlement } from '../journal.ts';

interface Staged {
  cursor: number;
  /** By seq: the line that it gets, or null where it loses the one it had. */
  readonly lines: Map<number, Listed | null>;
}

/** The progress of routes that waits for the next commit. */
export class Settlements {
  readonly #routes = new Map<string, Staged>();

  get size(): number {
    return this.#routes.size;
  }

  stage(route: string, { cursor, listed, settled }: Settlement): void {
    let staged = this.#routes.get(route);
    if (staged === undefined) {
      staged = { cursor, lines: new Map() };
      this.#routes.set(route, staged);
    }
    staged.cursor = cursor;
    for (const line of listed) {
      // What waits for the commit itself isn't in the table yet.
      const again = line.again && staged.lines.get(line.seq)?.again !== false;
      staged.lines.set(line.seq, { ...line, again });
    }
    for (const seq of settled) staged.lines.set(seq, null);
  }

  /** True where a line would be missed by looking at the table alone. */
  hasListed(route: string): boolean {
    const lines = this.#routes.get(route)?.lines.values() ?? [];
    return lines.some((line) => line !== null);
  }

  /** Entries whose lines are still in the table, though they are settled. */
  settledOf(route: string): ReadonlySet<number> {
    const lines = [...(this.#routes.get(route)?.lines ?? [])];
    return new Set(lines.filter(([, line]) => line === null).map(([seq]) => seq));
  }

  entries(): IterableIterator<[string, Staged]> {
    return this.#routes.entries();
  }

  clear(): void {
    this.#routes.clear();
  }
}
