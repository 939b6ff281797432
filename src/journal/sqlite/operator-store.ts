import type { DatabaseSync } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';
import type { NotificationState, Problem } from '../../notification/notification.ts';
import { isDoubtful } from '../clock.ts';
import type { OperatorStore } from '../operator-store.ts';
import { actAt, actsSince } from './audit.ts';
import { lastSign } from './clock.ts';
import { databaseFile, openDatabaseBeside } from './database.ts';
import { waitingAmong } from './deliveries.ts';
import { countOf, eventGroups, groups } from './delivery-groups.ts';
import { holdingsOf } from './erase.ts';
import { listAnew } from './invalid.ts';
import { actOf } from './operator-acts.ts';
import { readerOf } from './reader.ts';
import { records, recordsOf } from './records.ts';
import { entryColumns, entryOf, prepareEntries, updateValidation } from './rows.ts';
import { inSteps, trying } from './steps.ts';

/**
 * Opens the deliveries of a journal for an operator's decisions, beside a daemon or without one. A daemon notices what
 * was changed within a second.
 * @throws JournalError
 */
export function openOperatorStore(folder: string): OperatorStore {
  const database = openDatabaseBeside(folder);
  const file = databaseFile(folder);
  // KiB; so that a step doesn't read again the pages that the last one wrote.
  database.exec('PRAGMA cache_size = -65536');
  return {
    act: (operator, selection) => actOf(database, folder, operator, selection),
    acts: async (since, limit) => actsSince(database, since, limit),
    actAt: async (number) => actAt(database, number),
    records: async (which, after, limit) => records(database, which, after, limit),
    groups: async (which) => groups(database, which),
    eventGroups: async (which, limit) => eventGroups(database, which, limit),
    count: async (which) => countOf(database, which),
    entry: async (id) => entryWith(database, 'id', id),
    entryAt: async (seq) => entryWith(database, 'seq', seq),
    recordsOf: async (seq) => recordsOf(database, seq),
    saveValidation: async (seq, state, problems) => {
      await inSteps(database, folder, [seq], () => saveValidation(database, seq, state, problems));
    },
    ...readerOf(database, file, async (work) => work()),
    cursorOf: async (route) => cursorOf(database, route),
    waitingAmong: async (route, seqs) => new Set(waitingAmong(database, route, seqs).keys()),
    passedAmong: async (route, cursor, seqs) => passedAmong(database, route, cursor, seqs),
    waitingIn: async (route, from, to) => waitingIn(database, route, from, to),
    holdingsOf: (accountId) => trying(file, 'read', () => holdingsOf(database, accountId)),
    clockDoubt: async () => {
      const sign = lastSign(database);
      return isDoubtful(Date.now(), sign) ? sign : null;
    },
    looked: async (at, route) => {
      await inSteps(database, folder, [at], () => saveLook(database, at, route));
    },
    close: async () => database.close(),
  };
}

function entryWith(database: DatabaseSync, column: 'id' | 'seq', value: string | number): Entry | null {
  const row = prepareEntries(database, `SELECT ${entryColumns} FROM entries WHERE ${column} = ?`).get(value);
  return row === undefined ? null : entryOf(row);
}

function saveValidation(
  database: DatabaseSync,
  seq: number,
  state: NotificationState,
  problems: readonly Problem[],
): boolean {
  const { changes } = database.prepare(updateValidation).run(state, JSON.stringify(problems), seq);
  listAnew(database, seq);
  return changes === 1;
}

function cursorOf(database: DatabaseSync, route: string): number | null {
  const cursor = database.prepare('SELECT cursor FROM routes WHERE name = ?').get(route)?.cursor;
  return typeof cursor === 'number' ? cursor : null;
}

function passedAmong(database: DatabaseSync, route: string, cursor: number, seqs: readonly number[]): Set<number> {
  const rows = database
    .prepare(
      `SELECT value AS seq FROM json_each(?1) WHERE value <= ?2
         OR EXISTS (SELECT 1 FROM deliveries WHERE route = ?3 AND seq = value)
         OR EXISTS (SELECT 1 FROM dropped WHERE route = ?3 AND seq = value)
         OR value IN (SELECT a.value FROM settled_ahead, json_each(seqs) a WHERE route = ?3)`,
    )
    .all(JSON.stringify(seqs), cursor, route);
  return new Set(rows.map((row) => Number(row.seq)));
}

function waitingIn(database: DatabaseSync, route: string, from: number, to: number): number {
  const row = database
    .prepare("SELECT count(*) AS count FROM deliveries WHERE route = ? AND state = 'waiting' AND seq BETWEEN ? AND ?")
    .get(route, from, to);
  return Number(row?.count);
}

/** Of one route or all, where there is anything that is new. */
function saveLook(database: DatabaseSync, at: number, route?: string): boolean {
  const { changes } = database
    .prepare(
      `INSERT OR REPLACE INTO looks (route, at)
       SELECT DISTINCT route, ?1 FROM delivery_totals WHERE unseen > 0 AND route = ifnull(?2, route)`,
    )
    .run(at, route ?? null);
  return changes > 0;
}
