import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';
import type {
  JournalReader,
  OpenedReader,
  Pause,
  Query,
  Redeliveries,
  Resend,
  RouteSummary,
  Summary,
} from '../reader.ts';
import { firstSince } from './block-index.ts';
import { databaseFile, openDatabaseBeside, sizeOf } from './database.ts';
import { countsIn } from './delivery-counts.ts';
import { collectingIn, totalsIn } from './delivery-groups.ts';
import { loggedDeliveriesOf, loggedSince } from './delivery-log.ts';
import { driftOf } from './drift.ts';
import { journalFailure } from './failure.ts';
import { evictedFrom } from './invalid.ts';
import { outagesBetween } from './outages.ts';
import { entryColumns, entryOf, prepareEntries } from './rows.ts';
import { search, sqliteGlob } from './search.ts';
import { selectionVersions } from './selections.ts';
import { usedBytes } from './space.ts';

/** @throws JournalError when there is none, or it can't be read */
export function openJournalReader(folder: string): OpenedReader {
  const database = openDatabaseBeside(folder, { readOnly: true });
  const file = databaseFile(folder);
  const reading = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw journalFailure(file, 'read', cause, 'command');
    }
  };
  return {
    ...readerOf(database, file, reading),
    close: async () => database.close(),
  };
}

/** All that is read of a journal, beside a daemon or without one. @param reading names the file where that fails */
export function readerOf(
  database: DatabaseSync,
  file: string,
  reading: <T>(work: () => T | Promise<T>) => Promise<T>,
): JournalReader {
  return {
    find: (query) => reading(() => find(database, query)),
    summary: () => reading(() => summarise(database, file)),
    search: (wanted) => reading(() => search(database, wanted)),
    resendsOf: (seq) => reading(() => resendsOf(database, seq)),
    redeliveriesOf: (seqs) => reading(() => redeliveriesOf(database, seqs)),
    deliveriesOf: (seq) => reading(() => loggedDeliveriesOf(database, seq)),
    loggedSince: () => reading(() => loggedSince(database)),
    selections: () => reading(() => selectionVersions(database)),
    counts: (per, since) => reading(() => countsIn(database, per, since)),
    outages: (since, until) => reading(() => outagesBetween(database, since, until)),
  };
}

/** Entries that fit, oldest first. Event names may be globs. */
export function find(database: DatabaseSync, query: Query): Entry[] {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const where = (condition: string, value: SQLInputValue) => {
    conditions.push(condition);
    values.push(value);
  };
  if (query.after !== undefined) where('seq > ?', query.after);
  if (query.since !== undefined) {
    where('seq >= ?', firstSince(database, query.since) ?? Number.MAX_SAFE_INTEGER);
    where('received_at >= ?', query.since);
  }
  if (query.events)
    where('EXISTS (SELECT 1 FROM json_each(?) WHERE event GLOB value)', JSON.stringify(query.events.map(sqliteGlob)));
  if (query.accounts) where('account_id IN (SELECT value FROM json_each(?))', JSON.stringify(query.accounts));

  const newest = query.after === undefined && query.since === undefined;
  const rows = prepareEntries(
    database,
    `SELECT ${entryColumns} FROM entries
     ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
     ORDER BY seq ${newest ? 'DESC' : 'ASC'} LIMIT ?`,
  ).all(...values, query.limit);
  if (newest) rows.reverse();
  return rows.map(entryOf);
}

/** What has the same time and the same fingerprint is the same occurrence, published again. */
export function resendsOf(database: DatabaseSync, seq: number): Resend[] {
  return database
    .prepare(
      `SELECT other.id, other.received_at FROM notifications one JOIN notifications other USING (own_time, fingerprint)
       WHERE one.seq = ? AND one.own_time IS NOT NULL AND other.seq <> one.seq ORDER BY other.seq`,
    )
    .all(seq)
    .map(({ id, received_at }) => ({ id: String(id), receivedAt: Number(received_at) }));
}

export function redeliveriesOf(database: DatabaseSync, seqs: readonly number[]): Map<number, Redeliveries> {
  const rows = database
    .prepare('SELECT seq, count, last FROM redeliveries WHERE seq IN (SELECT value FROM json_each(?))')
    .all(JSON.stringify(seqs));
  return new Map(rows.map(({ seq, count, last }) => [Number(seq), { count: Number(count), last: Number(last) }]));
}

/** What the journal holds, and how far each route is, that it knows: in the configuration or not. */
export function summarise(database: DatabaseSync, file: string): Summary {
  const newest = database.prepare('SELECT seq, received_at FROM notifications ORDER BY seq DESC LIMIT 1').get();
  const oldest = database.prepare('SELECT seq, received_at FROM notifications ORDER BY seq LIMIT 1').get();
  const last = Number(newest?.seq ?? 0);
  const totals = totalsIn(database);
  const totalOf = (route: string, state: string) =>
    totals.find((total) => total.route === route && total.state === state) ?? { count: 0, unseen: 0 };
  const pauses = pausesIn(database);
  const collecting = collectingIn(database);
  const firstAfter = database.prepare('SELECT received_at FROM notifications WHERE seq > ? ORDER BY seq LIMIT 1');
  const cursors = new Map<unknown, number>();
  for (const { name, cursor } of database.prepare('SELECT name, cursor FROM routes').all())
    cursors.set(name, Number(cursor));
  // After a rebuild there may be lines of one whose cursor is lost. The lines of no route are those of undecodable ones.
  const names = new Set(
    [...cursors.keys(), ...totals.map(({ route }) => route), ...pauses.keys()].map(String).filter(Boolean),
  );
  const { looked } = database.prepare('SELECT max(at) AS looked FROM looks').get() ?? {};
  return {
    bytes: sizeOf(file) + sizeOf(`${file}-wal`),
    usedBytes: usedBytes(database, file),
    messages: newest === undefined ? 0 : last - Number(oldest?.seq) + 1,
    oldest: oldest === undefined ? null : Number(oldest.received_at),
    newest: newest === undefined ? null : Number(newest.received_at),
    undecodable: totalOf('', 'undecodable').count,
    unseenUndecodable: totalOf('', 'undecodable').unseen,
    lookedAt: typeof looked === 'number' ? looked : null,
    invalidBytes: Number(database.prepare("SELECT value FROM facts WHERE name = 'invalid_bytes'").get()?.value),
    evicted: evictedFrom(database),
    drift: driftOf(database),
    daemons: [],
    routes: [...names].sort().map((name): RouteSummary => {
      const cursor = cursors.get(name);
      const waitingSince = cursor === undefined ? undefined : firstAfter.get(cursor)?.received_at;
      return {
        name,
        cursor: cursor ?? 0,
        lag: {
          // It gets nothing of what was removed.
          messages: cursor === undefined ? 0 : Math.max(0, last - Math.max(cursor, Number(oldest?.seq ?? 1) - 1)),
          seconds:
            waitingSince === undefined ? 0 : Math.max(0, Math.round((Date.now() - Number(waitingSince)) / 1_000)),
        },
        waiting: totalOf(name, 'waiting').count,
        collecting: collecting.get(name) ?? 0,
        quarantined: totalOf(name, 'quarantined').count,
        dead: totalOf(name, 'dead').count,
        unseen: totalOf(name, 'quarantined').unseen + totalOf(name, 'dead').unseen,
        paused: pauses.get(name) ?? null,
        holder: null,
        state: null,
      };
    }),
  };
}

/** By route. */
export function pausesIn(database: DatabaseSync): Map<string, Pause> {
  const rows = database.prepare('SELECT route, at, who FROM paused').all();
  return new Map(rows.map(({ route, at, who }) => [String(route), { at: Number(at), who: String(who) }]));
}
