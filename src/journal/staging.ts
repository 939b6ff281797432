import type { DeliveryTallies } from './delivery-tallies.ts';
import type { DeliveredRecord, DeliveredRun, Recorded, Settlement } from './route-session.ts';

/** What a route has told since the last commit. */
export interface Staged {
  readonly cursor: number;
  readonly ahead: readonly number[];
  /** By seq: the record that it gets, or which one it loses. */
  readonly records: ReadonlyMap<number, Recorded | DeliveredRecord>;
  readonly runs: readonly DeliveredRun[];
}

interface Growing extends Staged {
  cursor: number;
  ahead: readonly number[];
  readonly records: Map<number, Recorded | DeliveredRecord>;
  readonly runs: DeliveredRun[];
}

/** How long it may wait that a route has passed over what it doesn't want, in milliseconds: a crash lets it look again. */
export const passedWithin = 100;

/** Nobody waits for that: whoever wants it saved by now flushes it. */
export const unawaited: Promise<void> = Promise.resolve();

/** The progress of routes that waits for the next commit. */
export class Staging {
  readonly #routes = new Map<string, Growing>();
  /** The cursors of those that have only passed over what they don't want. */
  readonly #passed = new Map<string, number>();
  /** What sessions before this one have settled ahead, by route. */
  readonly #aheadBefore = new Map<string, readonly number[]>();

  get routes(): ReadonlyMap<string, Staged> {
    return this.#routes;
  }

  /**
   * A session begins. Where the one before ended without a word, no cursor tells of what it settled ahead: that is kept beside
   * what this one settles, until the cursor has passed it.
   */
  begin(route: string, ahead: readonly number[]): void {
    if (ahead.length === 0) this.#aheadBefore.delete(route);
    else this.#aheadBefore.set(route, ahead);
  }

  /** Returns false where nothing would be repeated without it: it may wait for `takePassed`. */
  add(route: string, settlement: Settlement): boolean {
    const { cursor, ahead = none, recorded, settled, delivered } = settlement;
    if (!this.#routes.has(route) && !this.#aheadBefore.has(route) && hasOnlyPassed(settlement)) {
      this.#passed.set(route, cursor);
      return false;
    }
    if (this.#passed.size > 0) this.#passed.delete(route);
    const staged = this.#stagedOf(route, cursor);
    staged.cursor = cursor;
    staged.ahead = this.#allAhead(route, cursor, ahead);
    for (const record of recorded) {
      // What waits for the commit itself isn't in the table yet.
      const before = staged.records.get(record.seq);
      const isStaged = before !== undefined && isRecorded(before) && !before.exists;
      staged.records.set(record.seq, { ...record, exists: record.exists && !isStaged });
    }
    for (const record of settled) staged.records.set(record.seq, record);
    for (const run of delivered) staged.runs.push(run);
    return true;
  }

  /** What waits for it goes with the next commit. */
  takePassed(): void {
    for (const [route, cursor] of this.#passed) this.#stagedOf(route, cursor);
    this.#passed.clear();
  }

  /** Of one route, or of all. */
  clear(route?: string): void {
    if (route === undefined) this.#routes.clear();
    else {
      this.#routes.delete(route);
      this.#passed.delete(route);
    }
  }

  #stagedOf(route: string, cursor: number): Growing {
    const staged = this.#routes.get(route) ?? { cursor, ahead: none, records: new Map(), runs: [] };
    this.#routes.set(route, staged);
    return staged;
  }

  /** @param ahead what this session has settled beyond its cursor */
  #allAhead(route: string, cursor: number, ahead: readonly number[]): readonly number[] {
    const before = this.#aheadBefore.get(route)?.filter((seq) => seq > cursor) ?? none;
    this.begin(route, before);
    return before.length === 0 ? ahead : [...before, ...ahead];
  }
}

/** Whether a record would be missed by whoever reads the table. */
export function hasRecords(staged: Staged | undefined): boolean {
  return staged?.records.values().some(isRecorded) ?? false;
}

/** What is still in the table, though it is settled: the `restartedAt` of each, by its entry. */
export function settledIn(staged: Staged | undefined): ReadonlyMap<number, number> {
  const records = [...(staged?.records.values() ?? [])];
  return new Map(records.flatMap((record) => (isRecorded(record) ? [] : [[record.seq, record.restartedAt]])));
}

/** Counts what was committed of a route. */
export function count(counts: Pick<DeliveryTallies, 'add' | 'addRun'>, route: string, { records, runs }: Staged): void {
  for (const run of runs) counts.addRun(route, run);
  for (const record of records.values()) {
    if (!isRecorded(record)) counts.add(route, record.event, 'delivered');
    else if (record.state !== 'waiting') counts.add(route, record.event, record.state);
  }
}

function hasOnlyPassed({ ahead = none, recorded, settled, delivered }: Settlement): boolean {
  return ahead.length + recorded.length + settled.length + delivered.length === 0;
}

export function isRecorded(record: Recorded | DeliveredRecord): record is Recorded {
  return 'state' in record;
}

const none: readonly never[] = [];
