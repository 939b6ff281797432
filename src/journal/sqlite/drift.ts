import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';
import type { Header } from '../../notification/header.ts';
import type { Notification } from '../../notification/notification.ts';
import { driftIn, hasDrift, maxKinds } from '../drift.ts';
import type { Drift, DriftKind } from '../reader.ts';

/** Counts the drift of inserted notifications. It keeps no state, so a rollback also undoes its counts. */
export class DriftCounter {
  readonly #add: StatementSync;
  readonly #begin: StatementSync;
  readonly #countKnown: StatementSync;
  readonly #countUnknown: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(`
      UPDATE drift SET count = count + ?4, last = max(last, ?5), example = ?6
      WHERE event = ?1 AND path = ?2 AND keyword = ?3`);
    this.#begin = database.prepare(`
      INSERT INTO drift (event, path, keyword, count, last, example, first, known) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#countKnown = database.prepare('SELECT count(*) AS count FROM drift WHERE event = ? AND known = 1');
    this.#countUnknown = database.prepare('SELECT count(*) AS count FROM drift WHERE known = 0');
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
    if (found.size > 0) this.#write(found.values());
  }

  #write(found: Iterable<Drift>): void {
    const rooms = new Map<string, number>();
    for (const drift of found) {
      if (this.#update(drift)) continue;
      const group = groupOf(drift);
      const room = rooms.get(group) ?? maxKinds - this.#kindsOf(drift);
      rooms.set(group, room - 1);
      if (room > 0) this.#insert(drift);
      else this.#addOther({ ...drift, event: group, path: '', keyword: 'other' });
    }
  }

  #addOther(drift: Drift): void {
    if (!this.#update(drift)) this.#insert(drift);
  }

  #update({ event, path, keyword, count, last, example }: Drift): boolean {
    return this.#add.run(event, path, keyword, count, last, example).changes === 1;
  }

  #insert({ event, path, keyword, known, count, first, last, example }: Drift): void {
    this.#begin.run(event, path, keyword, count, last, example, first, Number(known));
  }

  #kindsOf({ event, known }: Drift): number {
    return Number((known ? this.#countKnown.get(event) : this.#countUnknown.get())?.count);
  }
}

/** The group that a bound applies to: an event with a schema, or all others together. */
function groupOf({ event, known }: DriftKind): string {
  return known ? event : 'unknown';
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
