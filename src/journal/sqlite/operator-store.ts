import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Entry } from '../../notification/entry.ts';
import type { NotificationState, Problem } from '../../notification/notification.ts';
import { JournalError } from '../journal.ts';
import type {
  ActName,
  ActSelection,
  DeliveryFilter,
  DeliveryGroup,
  DeliveryRecord,
  Operator,
  OperatorAct,
  OperatorStore,
} from '../operator-store.ts';
import { type Attempt, triesIn } from '../route-session.ts';
import { ActRows, actsSince } from './audit.ts';
import { acceptClock, isDoubtful, lastSign } from './clock.ts';
import { databaseFile, openDatabaseBeside } from './database.ts';
import { waitingAmong } from './deliveries.ts';
import { forgetLogged, logRemoval } from './delivery-log.ts';
import { eraseAccount, holdingsOf } from './erase.ts';
import { journalFailure } from './failure.ts';
import { listAnew } from './invalid.ts';
import { isLocked } from './lock.ts';
import { isUnseen, readerOf } from './reader.ts';
import { entryColumns, entryOf, prepareEntries, updateValidation } from './rows.ts';

/**
 * Changes are committed in steps of so many lines, or milliseconds. Where those of a thousand accounts change, each step
 * writes a page of the index for each account: smaller ones would write ten times as much.
 */
const mostLines = 5_000;
const longestStep = 50;

/** Between steps a daemon has the journal for so many milliseconds: while it waits, it looks at least that often. */
const gap = 25;

/**
 * Opens the deliveries of a journal for an operator's decisions, beside a daemon or without one. A daemon notices what
 * was changed within a second.
 * @throws JournalError
 */
export function openOperatorStore(folder: string): OperatorStore {
  const database = openDatabaseBeside(folder);
  const file = databaseFile(folder);
  // KiB; so that a step doesn't read again what the one before has written.
  database.exec('PRAGMA cache_size = -65536');
  return {
    act: (operator, selection) => actOf(database, folder, operator, selection),
    acts: async (since, limit) => actsSince(database, since, limit),
    records: async (which, after, limit) => records(database, which, after, limit),
    groups: async (which) => groups(database, which),
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

function actOf(database: DatabaseSync, folder: string, operator: Operator, selection: ActSelection): OperatorAct {
  const rows = new ActRows(database, operator, selection);
  const steps = <T>(act: ActName, items: readonly T[], work: (item: T) => boolean) =>
    inSteps(database, folder, items, work, (count) => rows.add(act, count));
  return {
    retry: (chosen) => steps('retry', chosen, (record) => retry(database, record)),
    retryDead: (which) =>
      retryDead(database, folder, { ...which, states: ['dead'] }, (count) => rows.add('retry', count)),
    hasten: (chosen) => steps('retry', chosen, (record) => hasten(database, record)),
    drop: (chosen) => steps('drop', chosen, (record) => drop(database, record, operator)),
    replay: (route, entries) => steps('replay', entries, (entry) => replay(database, route, entry)),
    pause: async (route) => (await steps('pause', [route], (name) => pause(database, name, operator))) === 1,
    resume: async (route) => (await steps('resume', [route], (name) => resume(database, name))) === 1,
    // The cursor last, and what stands beyond it: where this is cut off, it can be done again.
    forget: async (route) => {
      await steps('forget', recordsOn(database, route), (seq) => removeRecord(database, route, seq));
      const note = () => rows.add('forget', 0);
      const forgetSome = () => inSteps(database, folder, [route], (name) => forgetLogged(database, name), note);
      for (let more = true; more; ) more = (await forgetSome()) > 0;
      await steps('forget', [route], (name) => removeCursor(database, name));
    },
    erase: async (accountId, compact) => {
      if (compact && isLocked(folder))
        throw new JournalError('a daemon has the journal, which is to be compacted: stop it first');
      const step = (work: () => number) => inStep(database, folder, (count) => rows.add('erase', count), work);
      const file = databaseFile(folder);
      return trying(file, 'written', () => eraseAccount(database, file, accountId, compact, step));
    },
    acceptClock: async () => {
      await steps('accept-clock', ['clock'], () => acceptClock(database));
    },
    probed: async (routes) => {
      inTransaction(
        database,
        folder,
        () => rows.add('probe', routes),
        () => routes,
      );
    },
  };
}

/**
 * What a selection says in SQL. The plus keeps SQLite from the index of routes and states, by which it would sort all of
 * them for each page.
 */
function conditions({ states, route, routes, event, since, ids }: DeliveryFilter): Conditions {
  const parts: [string, SQLInputValue][] = [[`+d.state ${isAmong}`, JSON.stringify(states)]];
  if (route !== undefined) parts.push(['+d.route = ?', route]);
  if (routes !== undefined) parts.push([`+d.route ${isAmong}`, JSON.stringify(routes)]);
  if (event !== undefined) parts.push(['e.event = ?', event]);
  if (since !== undefined) parts.push(['e.received_at >= ?', since]);
  if (ids !== undefined)
    parts.push([`d.seq IN (SELECT seq FROM notifications WHERE id ${isAmong})`, JSON.stringify(ids)]);
  const hasEntry = event !== undefined || since !== undefined;
  return {
    where: parts.map(([part]) => part).join(' AND '),
    values: parts.map(([, value]) => value),
    from: hasEntry ? withEntries : 'deliveries d',
  };
}

const isAmong = 'IN (SELECT value FROM json_each(?))';
const withEntries = 'deliveries d JOIN entries e USING (seq)';

interface Conditions {
  readonly where: string;
  readonly values: readonly SQLInputValue[];
  /** The tables that it needs. To look at a million entries takes ten times as long as at their deliveries. */
  readonly from: string;
}

const recordColumns = `d.rowid AS number, d.seq, d.route, d.state, d.reason, d.attempts, d.due_at, d.updated_at, e.id, e.event,
  e.account_id, e.received_at`;

function records(database: DatabaseSync, which: DeliveryFilter, after: number, limit: number): DeliveryRecord[] {
  const { where, values } = conditions(which);
  return database
    .prepare(
      `SELECT ${recordColumns} FROM ${withEntries}
       WHERE ${where} AND d.rowid > ? ORDER BY d.rowid LIMIT ?`,
    )
    .all(...values, after, limit)
    .map(recordOf);
}

function groups(database: DatabaseSync, which: DeliveryFilter): DeliveryGroup[] {
  const { where, values, from } = conditions(which);
  const isIndexed = which.states.includes('waiting') ? '' : "d.state <> 'waiting' AND";
  return database
    .prepare(
      `SELECT d.route, d.state, d.reason, count(*) AS count, min(d.updated_at) AS first, max(d.updated_at) AS last,
         min(d.due_at) AS due_at
       FROM ${from} WHERE ${isIndexed} ${where}
       GROUP BY d.route, d.state, d.reason ORDER BY count DESC, last DESC`,
    )
    .all(...values)
    .map((row) => ({
      route: String(row.route),
      state: row.state as DeliveryRecord['state'], // as the table's CHECK says
      reason: String(row.reason),
      count: Number(row.count),
      first: Number(row.first),
      last: Number(row.last),
      dueAt: row.due_at === null ? null : Number(row.due_at),
    }));
}

function recordsOf(database: DatabaseSync, seq: number): DeliveryRecord[] {
  return database
    .prepare(`SELECT ${recordColumns} FROM ${withEntries} WHERE d.seq = ? ORDER BY d.route`)
    .all(seq)
    .map(recordOf);
}

function recordOf(row: Record<string, unknown>): DeliveryRecord {
  return {
    number: Number(row.number),
    seq: Number(row.seq),
    route: String(row.route),
    state: row.state as DeliveryRecord['state'], // as the table's CHECK says
    reason: String(row.reason),
    attempts: JSON.parse(String(row.attempts)) as Attempt[], // as Deliveries#record wrote them
    dueAt: row.due_at === null ? null : Number(row.due_at),
    updatedAt: Number(row.updated_at),
    id: String(row.id),
    event: row.event === null ? null : String(row.event),
    accountId: row.account_id === null ? null : String(row.account_id),
    receivedAt: Number(row.received_at),
  };
}

function entryWith(database: DatabaseSync, column: 'id' | 'seq', value: string | number): Entry | null {
  const row = prepareEntries(database, `SELECT ${entryColumns} FROM entries WHERE ${column} = ?`).get(value);
  return row === undefined ? null : entryOf(row);
}

/** Tries begin anew; those that were stay to be read. */
function retry(database: DatabaseSync, { route, seq }: DeliveryRecord): boolean {
  const { changes } = database
    .prepare(`${retrying} WHERE route = ? AND seq = ? AND state IN ('dead', 'quarantined')`)
    .run(...retriedNow(), route, seq);
  return changes === 1;
}

const byHand = 'tried again by hand';

const retrying = `UPDATE deliveries SET state = 'waiting', due_at = ?, updated_at = ?, reason = '${byHand}',
  attempts = json_insert(attempts, '$[#]', json(?))`;

function retriedNow(): [dueAt: number, updatedAt: number, restart: string] {
  return [Date.now(), Date.now(), JSON.stringify(restart(byHand))];
}

/** They are found without the write lock, however few there may be among many, and looked at once more under it. */
async function* retryDead(
  database: DatabaseSync,
  folder: string,
  which: DeliveryFilter,
  note: Note,
): AsyncGenerator<number> {
  const { where, values, from } = conditions(which);
  const find = database.prepare(
    `SELECT d.rowid AS number FROM ${from} WHERE ${where} AND d.rowid > ? ORDER BY d.rowid LIMIT ?`,
  );
  const change = database.prepare(
    `${retrying} WHERE rowid IN (SELECT d.rowid FROM ${from} WHERE ${where} AND d.rowid ${isAmong})`,
  );
  for (let after = 0; ; ) {
    const found = find.all(...values, after, mostLines).map(({ number }) => Number(number));
    const last = found.at(-1);
    if (last === undefined) return;
    after = last;
    yield inTransaction(database, folder, note, () =>
      Number(change.run(...retriedNow(), ...values, JSON.stringify(found)).changes),
    );
    await othersTurn(folder);
  }
}

/** One that waits behind another has no time of its own, and gets none. */
function hasten(database: DatabaseSync, { route, seq }: DeliveryRecord): boolean {
  const { changes } = database
    .prepare(
      `UPDATE deliveries SET due_at = min(due_at, ?)
       WHERE route = ? AND seq = ? AND state = 'waiting' AND due_at IS NOT NULL`,
    )
    .run(Date.now(), route, seq);
  return changes === 1;
}

/** Not by the record's place, which another one may have by now: what waits comes and goes. */
function drop(database: DatabaseSync, { route, seq, state, attempts }: DeliveryRecord, { who }: Operator): boolean {
  const { changes } = database
    .prepare('DELETE FROM deliveries WHERE route = ? AND seq = ? AND state = ?')
    .run(route, seq, state);
  if (changes !== 1) return false;
  remember(database, route, seq);
  logRemoval(database, { route, seq, attempts: triesIn(attempts) }, 'dropped', who);
  return true;
}

/** What the cursor hasn't passed stays dropped, should the daemon end before it has; what it has passed needs no mark. */
function remember(database: DatabaseSync, route: string, seq: number): void {
  const { changes } = database
    .prepare('INSERT OR IGNORE INTO dropped SELECT name, ?1 FROM routes WHERE name = ?2 AND cursor < ?1')
    .run(seq, route);
  if (changes === 0) return;
  database
    .prepare('DELETE FROM dropped WHERE route = ?1 AND seq <= (SELECT cursor FROM routes WHERE name = ?1)')
    .run(route);
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

/** What waits already stays as it is; what retention has removed since it was read can't wait. */
function replay(database: DatabaseSync, route: string, { seq, header }: Entry): boolean {
  const { changes } = database
    .prepare(
      `INSERT INTO deliveries (route, seq, account_id, state, reason, attempts, due_at, updated_at)
       SELECT ?1, seq, ?2, 'waiting', 'replayed', json_array(json(?3)), ?4, ?4 FROM notifications WHERE seq = ?5
       ON CONFLICT (route, seq) DO UPDATE SET state = 'waiting', reason = 'replayed', due_at = excluded.due_at,
         attempts = json_insert(attempts, '$[#]', json(?3)), updated_at = excluded.updated_at
       WHERE state <> 'waiting'`,
    )
    .run(route, header.accountId, JSON.stringify(restart('replayed')), Date.now(), seq);
  return changes === 1;
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

function recordsOn(database: DatabaseSync, route: string): number[] {
  const rows = database.prepare('SELECT seq FROM deliveries WHERE route = ?').all(route);
  return rows.map((row) => Number(row.seq));
}

function removeRecord(database: DatabaseSync, route: string, seq: number): boolean {
  return database.prepare('DELETE FROM deliveries WHERE route = ? AND seq = ?').run(route, seq).changes === 1;
}

function removeCursor(database: DatabaseSync, route: string): boolean {
  for (const table of ['dropped', 'settled_ahead', 'paused', 'looks', 'delivery_counts', 'selections'])
    database.prepare(`DELETE FROM ${table} WHERE route = ?`).run(route);
  return database.prepare('DELETE FROM routes WHERE name = ?').run(route).changes === 1;
}

function pause(database: DatabaseSync, route: string, { who }: Operator): boolean {
  const { changes } = database
    .prepare('INSERT OR IGNORE INTO paused (route, at, who) VALUES (?, ?, ?)')
    .run(route, Date.now(), who);
  return changes === 1;
}

function resume(database: DatabaseSync, route: string): boolean {
  return database.prepare('DELETE FROM paused WHERE route = ?').run(route).changes === 1;
}

/** Of one route or all, where there is anything that is new. */
function saveLook(database: DatabaseSync, at: number, route?: string): boolean {
  const { changes } = database
    .prepare(
      `INSERT OR REPLACE INTO looks (route, at)
       SELECT DISTINCT route, ?1 FROM deliveries WHERE ${isUnseen} AND route = ifnull(?2, route)`,
    )
    .run(at, route ?? null);
  return changes > 0;
}

function restart(reason: string): Attempt {
  return { at: Date.now(), duration: 0, outcome: 'restart', reason };
}

/**
 * Does the work for each, in transactions of some; returns for how many it changed something.
 */
async function inSteps<T>(
  database: DatabaseSync,
  folder: string,
  items: readonly T[],
  work: (item: T) => boolean,
  note?: Note,
): Promise<number> {
  let changed = 0;
  for (let next = 0; next < items.length; ) {
    changed += inTransaction(database, folder, note, () => {
      const end = performance.now() + longestStep;
      let count = 0;
      for (const item of items.slice(next, next + mostLines)) {
        if (work(item)) count += 1;
        next += 1;
        if (performance.now() >= end) break;
      }
      return count;
    });
    if (next < items.length) await othersTurn(folder);
  }
  return changed;
}

/** One transaction, and a turn for whoever waits for the journal meanwhile. */
async function inStep(
  database: DatabaseSync,
  folder: string,
  note: Note | undefined,
  work: () => number,
): Promise<number> {
  const count = inTransaction(database, folder, note, work);
  await othersTurn(folder);
  return count;
}

/** @throws JournalError that says what an operator can do */
async function trying<T>(file: string, what: 'read' | 'written', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw journalFailure(file, what, cause, 'command');
  }
}

/**
 * @param work returns how much it has changed
 * @throws JournalError, and nothing of the work is done
 */
function inTransaction(database: DatabaseSync, folder: string, note: Note | undefined, work: () => number): number {
  try {
    database.exec('BEGIN IMMEDIATE');
    const count = work();
    const committed = count > 0 ? note?.(count) : undefined;
    database.exec('COMMIT');
    committed?.();
    return count;
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw journalFailure(databaseFile(folder), 'written', cause, 'command');
  }
}

/** Writes how much a transaction has changed within that, and returns what follows once it is committed. */
type Note = (count: number) => () => void;

async function othersTurn(folder: string): Promise<void> {
  if (isLocked(folder)) await delay(gap);
  else await nextTurn();
}
