import { JournalError } from '../journal.ts';
import type { Erased, Holdings } from '../operator-store.ts';
import type { ActSteps } from './audit.ts';
import type { Queryable } from './connection.ts';

/** How many places are looked at by one statement. */
const stride = 5_000;

/** What one step removes at most. */
const mostRows = 200;
const mostBytes = 4 * 1024 * 1024;

/** For so many that are erased, the table of occurrences is gone through once: it has no index by them. */
const erasedAtOnce = 50_000;

/** What else PostgreSQL has of it, for an operator to read. */
const uncovered = [
  'the write-ahead log of PostgreSQL and its archive, standbys, backups',
  'bytes in free space of its tables, until PostgreSQL reuses it: --compact rewrites the tables',
  'what waits in a journal.spool; logs',
];

/** Takes what is dead out of a table; or writes it anew, which keeps everybody else from it. */
export type Compacting = (table: string, isFull: boolean) => Promise<void>;

/** @param database whose statements may take long */
export function compactingBy(database: Queryable): Compacting {
  return async (table, isFull) => void (await database.query(`VACUUM (${isFull ? 'FULL' : 'SKIP_LOCKED'}) ${table}`));
}

/** What the journal holds of an account. */
export async function holdingsOf(database: Queryable, accountId: string): Promise<Holdings> {
  const holdings = { notifications: 0, waiting: 0, quarantined: 0, dead: 0, mentions: 0 };
  let oldest: number | null = null;
  let newest: number | null = null;
  for await (const { from, to, entries } of spansOf(database, accountId)) {
    holdings.notifications += entries.length;
    for (const { receivedAt } of entries) {
      oldest = Math.min(oldest ?? receivedAt, receivedAt);
      newest = Math.max(newest ?? receivedAt, receivedAt);
    }
    for (const { state, count } of await recordedOf(database, entries)) holdings[state] += count;
    holdings.mentions += await mentionsIn(database, accountId, from, to);
  }
  return { ...holdings, oldest, newest, uncovered };
}

/**
 * Removes what the journal holds of an account: what comes in meanwhile stays. Where it is cut off, it can be done again.
 * @param compact writes the tables anew that had any of it: only then no byte of them is left in their files. Whoever uses
 *   them would wait
 */
export async function eraseAccount(
  database: Queryable,
  compacting: Compacting,
  steps: ActSteps,
  accountId: string,
  compact: boolean,
): Promise<Erased> {
  if (compact) await refuseBesideDaemons(database);
  const tables = new Set(['deliveries', 'delivery_log']);
  let notifications = 0;
  const erase = async (entries: readonly Held[]) => {
    // First: of what is gone, nobody could tell any more what these were.
    await forgetOccurrences(database, entries);
    for (const step of stepsOf(entries)) {
      const ctes = 'step AS MATERIALIZED (SELECT erase_entries($1) AS changed)';
      notifications += await steps.do({ act: 'erase', ctes, values: [step.map(({ seq }) => seq)] });
    }
    for (const { table } of entries) tables.add(table);
  };
  let found: Held[] = [];
  for await (const { entries } of spansOf(database, accountId)) {
    found.push(...entries);
    if (found.length < erasedAtOnce) continue;
    await erase(found);
    found = [];
  }
  if (found.length > 0) await erase(found);
  if (notifications > 0 || compact) for (const table of tables) await compacting(table, compact);
  return { notifications, isLogEmpty: true, remains: 0 };
}

async function refuseBesideDaemons(database: Queryable): Promise<void> {
  const living = await database.query<{ name: string }>(
    'SELECT DISTINCT name FROM daemons WHERE stopped_at IS NULL AND is_alive(holder) ORDER BY name',
  );
  if (living.length === 0) return;
  const names = living.map(({ name }) => name).join(', ');
  throw new JournalError(`the journal is to be compacted, and daemons have it: stop them first (${names})`);
}

interface Held {
  readonly seq: number;
  readonly id: string;
  readonly receivedAt: number;
  readonly bytes: number;
  readonly table: string;
}

interface Span {
  readonly from: number;
  readonly to: number;
  /** Those of the account. */
  readonly entries: readonly Held[];
}

/** What is there when it begins, some at a time. */
async function* spansOf(database: Queryable, accountId: string): AsyncGenerator<Span> {
  const [head] = await database.query<{ last: number }>('SELECT last FROM appends ORDER BY last DESC LIMIT 1');
  const last = head?.last ?? 0;
  const columns = `seq, id, received_at AS "receivedAt", octet_length(data) + coalesce(octet_length(raw), 0) AS bytes,
    tableoid::regclass::text AS "table"`;
  for (let from = await placeFrom(database, 0); from <= last; from = await placeFrom(database, from + stride)) {
    const to = Math.min(last, from + stride - 1);
    const entries = await database.query<Held>(
      `SELECT ${columns} FROM log WHERE seq BETWEEN $1 AND $2 AND account_id = $3
       UNION ALL SELECT ${columns} FROM kept WHERE seq BETWEEN $1 AND $2 AND account_id = $3 ORDER BY seq`,
      [from, to, accountId],
    );
    yield { from, to, entries };
  }
}

/** The first one from a place on: many may be gone in between. */
async function placeFrom(database: Queryable, seq: number): Promise<number> {
  const [row] = await database.query<{ seq: number }>('SELECT seq FROM entries WHERE seq >= $1 ORDER BY seq LIMIT 1', [
    seq,
  ]);
  return row?.seq ?? Number.POSITIVE_INFINITY;
}

/** What has an account is decoded. */
type HeldState = 'waiting' | 'quarantined' | 'dead';

function recordedOf(
  database: Queryable,
  entries: readonly Held[],
): Promise<readonly { readonly state: HeldState; readonly count: number }[]> {
  return database.query(
    `SELECT d.state, count(*) AS count FROM unnest($1::bigint[]) wanted (seq), LATERAL (
       SELECT state FROM deliveries WHERE deliveries.seq = wanted.seq OFFSET 0) d GROUP BY d.state`,
    [entries.map(({ seq }) => seq)],
  );
}

async function mentionsIn(database: Queryable, accountId: string, from: number, to: number): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*) AS count FROM entries WHERE seq BETWEEN $1 AND $2 AND account_id IS DISTINCT FROM $3
       AND (strpos(data, $3) > 0 OR position(convert_to($3, 'UTF8') IN raw) > 0)`,
    [from, to, accountId],
  );
  return row?.count ?? 0;
}

async function forgetOccurrences(database: Queryable, entries: readonly Held[]): Promise<void> {
  await database.query('DELETE FROM occurrences o USING unnest($1::uuid[]) erased (id) WHERE o.id = erased.id', [
    entries.map(({ id }) => id),
  ]);
}

function* stepsOf(entries: readonly Held[]): Generator<Held[]> {
  let step: Held[] = [];
  let size = 0;
  for (const entry of entries) {
    step.push(entry);
    size += entry.bytes;
    if (step.length < mostRows && size < mostBytes) continue;
    yield step;
    step = [];
    size = 0;
  }
  if (step.length > 0) yield step;
}
