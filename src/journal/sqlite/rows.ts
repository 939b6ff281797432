import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { Entry } from '../../notification/entry.ts';
import { headerIn, headJson, headLength } from '../../notification/header.ts';
import type { Notification, NotificationState, Problem, Secret } from '../../notification/notification.ts';

/** The columns of an entry, in the order in which `entryOf` reads them. */
export const entryColumns = 'seq, id, occurred_at, received_at, head, data';

/** The columns of a notification, in the order in which `addRow` gives their values. */
const columns = ['seq', 'id', 'fingerprint', 'own_time', 'occurred_at', 'received_at', 'head', 'data', 'raw'];

/** Adds a row's values to those of a statement of `insertNotifications`. */
export function addRow(values: SQLInputValue[], entry: Entry, { fingerprint, ownTime, raw }: Notification): void {
  const { seq, header, json } = entry;
  values.push(seq, header.id, fingerprint, ownTime, header.occurredAt, header.receivedAt, headOf(entry), json, raw);
}

/**
 * The statement that inserts so many notifications, except those that the table has. It ends the transaction on
 * failure: a statement that could only abort by itself would make SQLite keep a copy of each page that it changes, a
 * tenth of an append. After an error, some rows may be stored: the caller rolls back.
 */
export function insertNotifications(count: number): string {
  const row = `(${columns.map(() => '?').join(', ')})`;
  return `INSERT OR ROLLBACK INTO notifications (${columns.join(', ')}) VALUES ${Array(count).fill(row).join(', ')}
    ON CONFLICT (id) DO NOTHING`;
}

/**
 * Prepares a query whose first columns are those of an entry. Its rows are arrays: they cost half of what objects do.
 */
export function prepareEntries(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/** Those of these entries that the table hasn't any more. */
export function erasedAmong(database: DatabaseSync, seqs: readonly number[]): Set<number> {
  const rows = database
    .prepare(
      'SELECT value AS seq FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM notifications WHERE seq = json_each.value)',
    )
    .all(JSON.stringify(seqs));
  return new Set(rows.map((row) => Number(row.seq)));
}

/** The values of `entryColumns`, whose types are those that the table's STRICT definition gives them. */
type EntryRow = readonly [seq: number, id: string, occurredAt: number, receivedAt: number, head: string, json: string];

/** @param values a row of a query of `prepareEntries` @throws SyntaxError where its head was overwritten */
export function entryOf(values: unknown): Entry {
  const [seq, id, occurredAt, receivedAt, head, json] = values as EntryRow; // as the query has its columns
  const known = knownHeadIn(head);
  return new Entry(seq, known[places.resendOf] as string | null, {
    header: headerIn(known, id, occurredAt, receivedAt),
    state: known[places.state] as NotificationState,
    problems: known[places.problems] as readonly Problem[],
    json,
    secrets: known[places.secrets] as readonly Secret[],
  });
}

/*
 * What is known of a notification besides its id, its times and its body: a JSON array in one column (`head`), because
 * SQLite takes an insert's time by the value. The view `entries` has a column for each of its places: those of the header,
 * and these.
 */
const places = { state: 8, problems: 9, resendOf: 10, secrets: 11 } as const;

function headOf({ header, state, problems, resendOf, secrets }: Entry): string {
  const found = problems.length === 0 ? '[]' : JSON.stringify(problems);
  const original = resendOf === null ? 'null' : `"${resendOf}"`;
  return headJson(header, `"${state}",${found},${original},${secrets.length === 0 ? '[]' : JSON.stringify(secrets)}`);
}

/** Most heads come again and again, and to look one up costs a fourth of parsing it. */
const knownHeads = new Map<string, readonly unknown[]>();
const mostKnownHeads = 2_000;
const longestKnownHead = 1_024;

function knownHeadIn(text: string): readonly unknown[] {
  const known = knownHeads.get(text);
  if (known !== undefined) return known;
  const head = headIn(text);
  const secrets = head[places.secrets] as readonly Secret[];
  // What repeats another one names that, so that no other head is the same; and no secret is held for longer than it must be.
  const comesAgain = head[places.resendOf] === null && secrets.length === 0 && text.length <= longestKnownHead;
  if (!comesAgain) return head;
  if (knownHeads.size >= mostKnownHeads) knownHeads.clear();
  knownHeads.set(text, head);
  return head;
}

/** How many places the first version had. */
const fewest = 12;
const states: readonly unknown[] = ['valid', 'invalid', 'undecodable'] satisfies NotificationState[];

/** @throws SyntaxError where it can't be what `headOf` wrote: some of it was overwritten */
function headIn(text: string): readonly unknown[] {
  const head: unknown = JSON.parse(text);
  if (Array.isArray(head) && head.length >= fewest && head.length <= headLength && states.includes(head[places.state]))
    return head;
  throw new SyntaxError('what is known of a notification was overwritten');
}

export function isHead(text: string): boolean {
  try {
    headIn(text);
    return true;
  } catch {
    return false;
  }
}

/** The same as SQL, of the column. */
export const isHeadInSql = `CASE WHEN json_valid(head) THEN json_array_length(head) BETWEEN ${fewest} AND ${headLength}
  AND head ->> ${places.state} IN (${states.map((state) => `'${state}'`).join(', ')}) ELSE 0 END`;

/** SQL that saves what a validator has found. Parameters: its state, its problems as JSON, and `seq`. */
export const updateValidation = `UPDATE notifications
  SET head = json_set(head, '$[${places.state}]', ?, '$[${places.problems}]', json(?)) WHERE seq = ?`;
