import type { DatabaseSync } from 'node:sqlite';
import type { Entry } from '../../notification/entry.ts';
import { JournalError } from '../journal.ts';
import type {
  ActName,
  ActSelection,
  DeliveryFilter,
  DeliveryRecord,
  Operator,
  OperatorAct,
} from '../operator-store.ts';
import { type Attempt, triesIn } from '../route-session.ts';
import { ActRows } from './audit.ts';
import { acceptClock } from './clock.ts';
import { databaseFile } from './database.ts';
import { eventOfEntry } from './deliveries.ts';
import { conditions, isAmong } from './delivery-filter.ts';
import { forgetLogged, logRemoval } from './delivery-log.ts';
import { eraseAccount } from './erase.ts';
import { isLocked } from './lock.ts';
import { inStep, inSteps, inTransaction, mostLines, type Note, othersTurn, trying } from './steps.ts';

/** The acts of an operator; each change and its row in the audit are one transaction. */
export function actOf(
  database: DatabaseSync,
  folder: string,
  operator: Operator,
  selection: ActSelection,
): OperatorAct {
  const rows = new ActRows(database, operator, selection);
  const steps = <T>(act: ActName, items: readonly T[], work: (item: T) => boolean) =>
    inSteps(database, folder, items, work, (count) => rows.add(act, count));
  /** A step of its own: it isn't undone with what is changed. */
  const noting = (work: () => void) => {
    inTransaction(database, folder, undefined, () => {
      work();
      return 1;
    });
  };
  return {
    begin: async (act) => {
      let number = 0;
      noting(() => (number = rows.begin(act)));
      return number;
    },
    tell: async (progress) => noting(() => rows.tell(progress)),
    retry: (chosen) => steps('retry', chosen, (record) => retry(database, record)),
    retryDead: (which) =>
      retryDead(database, folder, { ...which, states: ['dead'] }, (count) => rows.add('retry', count)),
    hasten: (chosen) => steps('retry', chosen, (record) => hasten(database, record)),
    drop: (chosen) => steps('drop', chosen, (record) => drop(database, record, operator)),
    replay: (route, entries) => steps('replay', entries, (entry) => replay(database, route, entry)),
    pause: async (route) => (await steps('pause', [route], (name) => pause(database, name, operator))) === 1,
    resume: async (route) => (await steps('resume', [route], (name) => resume(database, name))) === 1,
    // The cursor and what is settled beyond it come last, so that an interrupted call can be repeated.
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

/** Not by the record's rowid, which another record may have by now. */
function drop(database: DatabaseSync, { route, seq, state, attempts }: DeliveryRecord, { who }: Operator): boolean {
  const { changes } = database
    .prepare('DELETE FROM deliveries WHERE route = ? AND seq = ? AND state = ?')
    .run(route, seq, state);
  if (changes !== 1) return false;
  remember(database, route, seq);
  logRemoval(database, { route, seq, attempts: triesIn(attempts) }, 'dropped', who);
  return true;
}

/**
 * Marks a dropped entry that the cursor hasn't passed, so that it stays dropped after a crash. One that it has passed
 * needs no mark.
 */
function remember(database: DatabaseSync, route: string, seq: number): void {
  const { changes } = database
    .prepare('INSERT OR IGNORE INTO dropped SELECT name, ?1 FROM routes WHERE name = ?2 AND cursor < ?1')
    .run(seq, route);
  if (changes === 0) return;
  database
    .prepare('DELETE FROM dropped WHERE route = ?1 AND seq <= (SELECT cursor FROM routes WHERE name = ?1)')
    .run(route);
}

/** A waiting delivery stays as it is; an entry that retention has removed meanwhile can't wait. */
function replay(database: DatabaseSync, route: string, { seq, header }: Entry): boolean {
  const { changes } = database
    .prepare(
      `INSERT INTO deliveries (route, seq, account_id, state, reason, attempts, due_at, updated_at, event)
       SELECT ?1, seq, ?2, 'waiting', 'replayed', json_array(json(?3)), ?4, ?4, ${eventOfEntry} FROM notifications WHERE seq = ?5
       ON CONFLICT (route, seq) DO UPDATE SET state = 'waiting', reason = 'replayed', due_at = excluded.due_at,
         attempts = json_insert(attempts, '$[#]', json(?3)), updated_at = excluded.updated_at
       WHERE state <> 'waiting'`,
    )
    .run(route, header.accountId, JSON.stringify(restart('replayed')), Date.now(), seq);
  return changes === 1;
}

function restart(reason: string): Attempt {
  return { at: Date.now(), duration: 0, outcome: 'restart', reason };
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
