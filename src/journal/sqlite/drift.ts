import type { DatabaseSync } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';
import type { Header } from '../../notification/header.ts';
import type { Notification } from '../../notification/notification.ts';
import { addDrift, type DriftSums, driftIn, hasDrift } from '../drift.ts';
import type { Drift, DriftKind } from '../reader.ts';

/** Counts the drift of inserted notifications. It keeps no state, so a rollback also undoes its counts. */
export class DriftCounter {
  readonly #sums: DriftSums;

  constructor(database: DatabaseSync) {
    this.#sums = sumsIn(database);
  }

  /**
   * Within the transaction that inserts them.
   * @param fresh the entries of those of the batch that were new, in its order
   */
  add(batch: readonly Notification[], fresh: readonly Entry[]): void {
    const found = new Map<string, Drift>();
    let next = 0;
    for (const notification of batch) {
      if (fresh[next]?.header.id !== notification.header.id) continue;
      next += 1;
      if (hasDrift(notification)) for (const kind of driftIn(notification)) gather(found, kind, notification.header);
    }
    if (found.size > 0) addDrift(found.values(), this.#sums);
  }
}

function sumsIn(database: DatabaseSync): DriftSums {
  const add = database.prepare(`
    UPDATE drift SET count = count + ?4, last = max(last, ?5), example = ?6
    WHERE event = ?1 AND path = ?2 AND keyword = ?3`);
  const begin = database.prepare(`
    INSERT INTO drift (event, path, keyword, count, last, example, first, known) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const countKnown = database.prepare('SELECT count(*) AS count FROM drift WHERE event = ? AND known = 1');
  const countUnknown = database.prepare('SELECT count(*) AS count FROM drift WHERE known = 0');
  return {
    add: ({ event, path, keyword, count, last, example }) =>
      add.run(event, path, keyword, count, last, example).changes === 1,
    insert: ({ event, path, keyword, known, count, first, last, example }) =>
      void begin.run(event, path, keyword, count, last, example, first, Number(known)),
    kindsBeside: ({ event, known }) => Number((known ? countKnown.get(event) : countUnknown.get())?.count),
  };
}

function gather(found: Map<string, Drift>, kind: DriftKind, { id, receivedAt }: Header): void {
  const key = JSON.stringify([kind.event, kind.path, kind.keyword]);
  const { count, first } = found.get(key) ?? { count: 0, first: receivedAt };
  found.set(key, { ...kind, count: count + 1, first, last: receivedAt, example: id });
}

/** All of it, the newest kinds first. */
export function driftOf(database: DatabaseSync): Drift[] {
  return database
    .prepare('SELECT * FROM drift ORDER BY first DESC, event, path, keyword')
    .all()
    .map((row) => ({
      event: String(row.event),
      known: row.known === 1,
      path: String(row.path),
      keyword: String(row.keyword),
      count: Number(row.count),
      first: Number(row.first),
      last: Number(row.last),
      example: String(row.example),
    }));
}

/** Forgets the kinds of which nothing has come since then, in Unix milliseconds. */
export function forgetDrift(database: DatabaseSync, before: number): void {
  database.prepare('DELETE FROM drift WHERE last < ?').run(before);
}
